//! The host's side of `wit/v1`, generated: one world per capability. They share the types of `sources`,
//! so that one linker serves them all.

mod generated {
    pub(crate) mod sources {
        wasmtime::component::bindgen!({
            path: "../../wit/v1",
            world: "sources",
            imports: {
                "matricula:connector/http.send": async,
                "matricula:connector/transfer.fetch": async,
                "matricula:connector/transfer.upload": async,
                "matricula:connector/composition.send": async,
            },
            exports: { default: async },
        });
    }

    pub(crate) mod attached {
        wasmtime::component::bindgen!({
            path: "../../wit/v1",
            world: "attached",
            exports: { default: async },
            with: {
                "matricula:connector/types": super::sources::matricula::connector::types,
                "matricula:connector/http": super::sources::matricula::connector::http,
                "matricula:connector/transfer": super::sources::matricula::connector::transfer,
                "matricula:connector/composition": super::sources::matricula::connector::composition,
                "matricula:connector/log": super::sources::matricula::connector::log,
            },
        });
    }

    pub(crate) mod destinations {
        wasmtime::component::bindgen!({
            path: "../../wit/v1",
            world: "destinations",
            exports: { default: async },
            with: {
                "matricula:connector/types": super::sources::matricula::connector::types,
                "matricula:connector/http": super::sources::matricula::connector::http,
                "matricula:connector/transfer": super::sources::matricula::connector::transfer,
                "matricula:connector/composition": super::sources::matricula::connector::composition,
                "matricula:connector/log": super::sources::matricula::connector::log,
            },
        });
    }

    pub(crate) mod checks {
        wasmtime::component::bindgen!({
            path: "../../wit/v1",
            world: "checks",
            exports: { default: async },
            with: {
                "matricula:connector/types": super::sources::matricula::connector::types,
                "matricula:connector/http": super::sources::matricula::connector::http,
                "matricula:connector/transfer": super::sources::matricula::connector::transfer,
                "matricula:connector/composition": super::sources::matricula::connector::composition,
                "matricula:connector/log": super::sources::matricula::connector::log,
            },
        });
    }

    pub(crate) mod lookups {
        wasmtime::component::bindgen!({
            path: "../../wit/v1",
            world: "lookups",
            exports: { default: async },
            with: {
                "matricula:connector/types": super::sources::matricula::connector::types,
                "matricula:connector/http": super::sources::matricula::connector::http,
                "matricula:connector/transfer": super::sources::matricula::connector::transfer,
                "matricula:connector/composition": super::sources::matricula::connector::composition,
                "matricula:connector/log": super::sources::matricula::connector::log,
            },
        });
    }
}

pub(crate) use generated::attached::AttachedPre;
pub(crate) use generated::checks::ChecksPre;
pub(crate) use generated::checks::exports::matricula::connector::check;
pub(crate) use generated::destinations::DestinationsPre;
pub(crate) use generated::destinations::exports::matricula::connector::destination;
pub(crate) use generated::lookups::LookupsPre;
pub(crate) use generated::lookups::exports::matricula::connector::lookup;
pub(crate) use generated::sources::SourcesPre;
pub(crate) use generated::sources::exports::matricula::connector::source;
pub(crate) use generated::sources::matricula::connector::{
    composition, http, log, transfer, types,
};
