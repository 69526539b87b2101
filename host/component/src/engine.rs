//! The one engine that all components share, and loading.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use wasmtime::component::{Component as Compiled, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::cache::Cache;
use crate::component::Component;
use crate::error::{HostError, LoadError, Refusal};
use crate::inspect;
use crate::limits::{
    COMPONENT_FILE, INSTANCES, KIB, Limits, MEMORIES, MIB, TABLE_ELEMENTS, TABLES,
};
use crate::state::{self, State};
use crate::ticker::Ticker;

const WASM_PAGE: u64 = 64 * KIB as u64;

/// How the host is set up.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where compiled components are kept, so that a start does not compile; none compiles each time. A
    /// folder of its own that only this user can write to; it is made if it is not there.
    pub cache_dir: Option<PathBuf>,
    /// What a component may use.
    pub limits: Limits,
}

/// Loads and runs components. Cheap to share by reference; one per process.
pub struct Host {
    shared: Arc<Shared>,
    linker: Linker<State>,
    cache: Option<Cache>,
    pooled: bool,
}

/// What every component needs of the host while it runs.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) limits: Arc<Limits>,
    /// A permit per running call: the pool has room for as many.
    pub(crate) slots: Semaphore,
    pub(crate) ticker: Ticker,
}

impl Host {
    /// Starts the engine and its clock.
    ///
    /// # Errors
    /// If the machine cannot run components, or the cache folder is open to other users.
    pub fn new(options: Options) -> Result<Self, HostError> {
        let Options { cache_dir, limits } = options;
        let (engine, pooled) = engine(&limits)?;
        let mut linker = Linker::new(&engine);
        state::add_imports(&mut linker).map_err(HostError::Engine)?;
        let cache = cache_dir
            .map(|dir| Cache::open(&dir, &engine))
            .transpose()?;
        let ticker = Ticker::start(&engine).map_err(HostError::Clock)?;
        let slots = Semaphore::new(limits.calls.max(1) as usize);
        let shared = Shared {
            engine,
            limits: Arc::new(limits),
            slots,
            ticker,
        };
        Ok(Self {
            shared: Arc::new(shared),
            linker,
            cache,
            pooled,
        })
    }

    /// Whether instances come from a pool that was reserved at the start. They do not where the machine
    /// has no address space for it; a call then takes some 25 µs longer to begin.
    pub fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// Loads a component from a file; see [`Host::load_bytes`].
    ///
    /// # Errors
    /// If it cannot be read, or may not be loaded.
    pub fn load(&self, file: &Path) -> Result<Arc<Component>, LoadError> {
        let name = file.display().to_string();
        let unreadable = |error| LoadError::new(&name, Refusal::Unreadable(error));
        let size = std::fs::metadata(file).map_err(unreadable)?.len();
        if size > COMPONENT_FILE as u64 {
            return Err(LoadError::new(&name, Refusal::TooLarge { size }));
        }
        let bytes = std::fs::read(file).map_err(unreadable)?;
        self.load_bytes(&name, &bytes)
    }

    /// Checks a component and makes it ready to run. `name` is what errors call it.
    ///
    /// Blocks: compiling takes a tenth of a second and more; what the cache has takes less than a
    /// millisecond. Within a runtime, call it where blocking is allowed.
    ///
    /// # Errors
    /// If it is no component, is not valid, has no manifest that is spoken here, imports what connectors
    /// do not get, or lacks what its manifest promises. Nothing of it has run then.
    pub fn load_bytes(&self, name: &str, bytes: &[u8]) -> Result<Arc<Component>, LoadError> {
        self.prepare(bytes)
            .map(Arc::new)
            .map_err(|refusal| LoadError::new(name, refusal))
    }

    fn prepare(&self, bytes: &[u8]) -> Result<Component, Refusal> {
        let parts = inspect::skim(bytes)?;
        let digest = hex(&Sha256::digest(bytes));
        let cached = self
            .cache
            .as_ref()
            .and_then(|cache| cache.load(self.engine(), &digest));
        let compiled = match cached {
            Some(compiled) => compiled,
            None => self.compile(bytes, &digest)?,
        };
        // Also of what was cached: the limits may have been others then.
        self.check_size(&compiled)?;
        let pre = self
            .linker
            .instantiate_pre(&compiled)
            .map_err(incompatible)?;
        Component::new(Arc::clone(&self.shared), parts, digest, &pre).map_err(incompatible)
    }

    fn compile(&self, bytes: &[u8], digest: &str) -> Result<Compiled, Refusal> {
        inspect::validate(bytes)?;
        let compiled = Compiled::from_binary(self.engine(), bytes).map_err(incompatible)?;
        if let Some(cache) = &self.cache {
            cache.store(&compiled, digest);
        }
        Ok(compiled)
    }

    /// What no call could instantiate is refused here, once and clearly.
    fn check_size(&self, compiled: &Compiled) -> Result<(), Refusal> {
        // None if it imports modules, which `inspect` has refused.
        let Some(needs) = compiled.resources_required() else {
            return Ok(());
        };
        let pages = needs.max_initial_memory_size.unwrap_or_default();
        let memory = pages.saturating_mul(WASM_PAGE);
        let limit = self.shared.limits.memory;
        if needs.num_memories > MEMORIES || needs.num_tables > TABLES || memory > limit as u64 {
            let (memories, tables) = (needs.num_memories, needs.num_tables);
            return Err(Refusal::TooMuch {
                memories,
                memory,
                limit,
                tables,
            });
        }
        Ok(())
    }

    fn engine(&self) -> &Engine {
        &self.shared.engine
    }
}

fn incompatible(error: wasmtime::Error) -> Refusal {
    Refusal::Incompatible(format!("{error:#}"))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// A pooling engine if the machine has the address space for it, else one that allocates on demand. The
/// probe is the reservation itself: nothing else tells as surely whether it succeeds.
fn engine(limits: &Limits) -> Result<(Engine, bool), HostError> {
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    let reason = match Engine::new(&config) {
        Ok(engine) => return Ok((engine, true)),
        Err(reason) => reason,
    };
    let mut config = self::config();
    // Where there is no room for the pool there may be none for 4 GiB per memory either: each memory
    // reserves what it may have, and accesses are checked in code.
    config
        .memory_reservation(limits.memory as u64)
        .memory_reservation_for_growth(MIB as u64);
    let engine = Engine::new(&config).map_err(HostError::Engine)?;
    tracing::warn!(
        calls = limits.calls,
        "Components run without a pool, which makes each call a little slower: {reason:#}. Allow the \
         process more virtual memory, or fewer calls at a time."
    );
    Ok((engine, false))
}

fn config() -> Config {
    let mut config = Config::new();
    config
        // Busy loops end at the call's deadline. In a prototype epochs cost 30 % on code with many branches;
        // fuel would cost another 20 to 25 % and tell nothing that the deadline does not.
        .epoch_interruption(true)
        .consume_fuel(false)
        // In a prototype a sync-shaped call took 163 ns without and 889 ns with it.
        .concurrency_support(false)
        // As `inspect::FEATURES` says.
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false);
    config
}

fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let calls = limits.calls.max(1);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(calls)
        .total_core_instances(calls.saturating_mul(INSTANCES))
        .total_memories(calls.saturating_mul(MEMORIES))
        .total_tables(calls.saturating_mul(TABLES))
        .total_stacks(calls)
        .max_core_instances_per_component(INSTANCES)
        // How many and how large they may be is checked in `check_size`, which says so in our words, and
        // while it runs by the store's limiter. A slot takes up 4 GiB of addresses either way.
        .max_memories_per_component(calls.saturating_mul(MEMORIES))
        .max_tables_per_component(calls.saturating_mul(TABLES))
        .table_elements(TABLE_ELEMENTS)
        // What a call leaves behind is wiped in place instead of given back and faulted in again.
        // Per slot that was ever used at the same time as others. The sizes were not compared with
        // others (`examples/measure_component.rs`).
        .linear_memory_keep_resident(256 * KIB)
        .table_keep_resident(16 * KIB)
        // Only the pages that a call has touched are wiped, wherever they lie (Linux 6.7): a component's stack
        // and data lie beyond the first 256 KiB, and were given back and faulted in again at each call.
        .pagemap_scan(Enabled::Auto)
        // Slots beyond those that were in use at the same time stay cold.
        .max_unused_warm_slots(8);
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_address_space_there_is_no_pool_but_an_engine() {
        // A million slots of 4 GiB are more than any processor can address.
        let limits = Limits {
            calls: 1_000_000,
            ..Limits::default()
        };
        let (_, pooled) = engine(&limits).unwrap();
        assert!(!pooled);
        let (_, pooled) = engine(&Limits::default()).unwrap();
        assert!(pooled);
    }
}
