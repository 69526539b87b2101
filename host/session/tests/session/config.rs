//! What is wrong with a configuration is said with the vendor, the key, and what to do.

use matricula_session::Vendors;

use crate::support::{RSA_PUBLIC, VENDORS, resolve};

const VENDOR: &str = r#"
[[vendor]]
id = "northwind"
title = { en = "Northwind" }
origins = ["https://app.northwind.example"]
"#;

fn key(lines: &str) -> String {
    format!("{VENDOR}[[vendor.key]]\nkid = \"1\"\n{lines}\n")
}

fn refused(text: &str) -> String {
    Vendors::parse(text, resolve).unwrap_err().to_string()
}

#[test]
fn a_configuration_is_read() {
    let vendors = Vendors::parse(VENDORS, resolve).unwrap();
    let ids: Vec<_> = vendors.iter().map(|vendor| vendor.id()).collect();
    assert_eq!(ids, ["northwind", "southridge"]);
    let northwind = vendors.vendor("northwind").unwrap();
    assert_eq!(northwind.title().get("de"), "Northwind Akademie");
    assert_eq!(northwind.audience(), "matricula");
    assert_eq!(northwind.origins(), ["https://app.northwind.example"]);
    assert!(northwind.may_embed("https://app.northwind.example"));
    assert!(!northwind.may_embed("https://app.northwind.example.evil.example"));
    assert!(northwind.offers("anything"));
    assert_eq!(
        northwind.not_bought().get("de"),
        "Ask your success manager to add this."
    );
    let southridge = vendors.vendor("southridge").unwrap();
    assert_eq!(southridge.audience(), "southridge-automations");
    assert!(southridge.offers("sync-employees"));
    assert!(!southridge.offers("anything"));
    assert!(!southridge.not_bought().get("de").is_empty());
    assert!(vendors.vendor("local").is_none());

    assert!(Vendors::parse("", resolve).unwrap().is_empty());
}

#[test]
fn keys_are_taken_from_the_text_too() {
    let text = key(&format!(
        "alg = \"RS256\"\npublic = \"\"\"\n{RSA_PUBLIC}\"\"\""
    ));
    assert!(Vendors::parse(&text, resolve).is_ok());
}

#[test]
fn a_key_that_cannot_do_is_refused_with_what_to_do() {
    for (lines, said) in [
        (
            "alg = \"RS256\"\npublic_file = \"rsa-1024-public.pem\"",
            "fewer than 2048 bits; make one with",
        ),
        (
            "alg = \"RS256\"\npublic_file = \"ed25519-public.pem\"",
            "needs an RSA key",
        ),
        (
            "alg = \"EdDSA\"\npublic_file = \"rsa-public.pem\"",
            "needs an Ed25519 key",
        ),
        (
            "alg = \"EdDSA\"\npublic_file = \"p256-public.pem\"",
            "needs an Ed25519 key",
        ),
        (
            "alg = \"HS256\"\npublic_file = \"rsa-public.pem\"",
            "HS256 has no public key",
        ),
        (
            "alg = \"RS256\"\npublic_file = \"rsa-private.pem\"",
            "this is a private key",
        ),
        (
            "alg = \"RS256\"\npublic_file = \"none.pem\"",
            "\"none.pem\": there is no such file",
        ),
        (
            "alg = \"RS256\"\npublic = \"MIIB\"",
            "begins with -----BEGIN PUBLIC KEY-----",
        ),
        (
            "alg = \"HS256\"\nsecret_env = \"UNSET\"",
            "\"UNSET\": the variable is not set",
        ),
        (
            "alg = \"HS256\"\nsecret_env = \"SHORT_SECRET\"",
            "openssl rand -hex 32",
        ),
        ("alg = \"HS256\"\nsecret = \"hush\"", "write secret_env"),
        (
            "alg = \"RS256\"\nsecret_env = \"NORTHWIND_SECRET\"",
            "give public or public_file",
        ),
        ("alg = \"RS256\"", "exactly one of"),
        (
            "alg = \"RS256\"\npublic = \"\"\npublic_file = \"rsa-public.pem\"",
            "exactly one of",
        ),
    ] {
        let error = refused(&key(lines));
        assert!(error.contains(said), "{error}");
        assert!(
            error.starts_with("vendor \"northwind\", key \"1\": "),
            "{error}"
        );
        assert!(!error.contains("hush"), "{error}");
    }
}

#[test]
fn a_vendor_that_cannot_do_is_refused_with_what_to_do() {
    let good = key("alg = \"EdDSA\"\npublic_file = \"ed25519-public.pem\"");
    assert!(Vendors::parse(&good, resolve).is_ok());
    for (from, to, said) in [
        ("\"northwind\"", "\"local\"", "belongs to the local sign-in"),
        ("\"northwind\"", "\"North/Wind\"", "lower-case letters"),
        ("\"northwind\"", "\"\"", "lower-case letters"),
        (
            "{ en = \"Northwind\" }",
            "{ de = \"Nordwind\" }",
            "title needs a text in English",
        ),
        (
            "{ en = \"Northwind\" }",
            "{ en = \" \" }",
            "title needs a text in English",
        ),
        (
            "https://app.northwind.example",
            "http://app.northwind.example",
            "is not https",
        ),
        (
            "https://app.northwind.example",
            "https://*.northwind.example",
            "without wildcards",
        ),
        (
            "https://app.northwind.example",
            "https://app.northwind.example/",
            "write https://app.northwind.example",
        ),
        (
            "\"https://app.northwind.example\"",
            "\"https://a.example\", \"https://a.example\"",
            "named twice",
        ),
        (
            "origins =",
            "audience = \"\"\norigins =",
            "audience is empty",
        ),
        (
            "[[vendor.key]]",
            "[vendor.jwks]\nurl = \"http://a.example/\"\n[[vendor.key]]",
            "jwks.url is not https",
        ),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good);
        let error = refused(&text);
        assert!(error.starts_with("vendor \""), "{error}");
        assert!(error.contains(said), "{error}");
    }
    assert!(refused(VENDOR).contains("add [[vendor.key]] or [vendor.jwks]"));
}

#[test]
fn what_is_there_twice_is_refused() {
    let good = key("alg = \"EdDSA\"\npublic_file = \"ed25519-public.pem\"");
    let error = refused(&format!("{good}{good}"));
    assert_eq!(
        error,
        "vendor \"northwind\": is configured twice; give every [[vendor]] an id of its own"
    );
    let keys = good.split_once("[[vendor.key]]").unwrap().1;
    let error = refused(&format!("{good}[[vendor.key]]{keys}"));
    assert_eq!(
        error,
        "vendor \"northwind\", key \"1\": is configured twice; give every [[vendor.key]] a kid of its own"
    );
}

#[test]
fn what_is_not_understood_is_refused_with_its_place_and_without_its_line() {
    let error = refused("[[vendor]]\nid = \"a\"\npassword = \"hush\"\n");
    assert!(error.contains("line 3, column 1"), "{error}");
    assert!(error.contains("unknown field `password`"), "{error}");
    assert!(!error.contains("hush"), "{error}");
    assert!(refused(&key("alg = \"none\"")).contains("unknown variant `none`"));
    let without = VENDOR.replace("origins = [\"https://app.northwind.example\"]\n", "");
    assert!(refused(&without).contains("missing field `origins`"));
}

#[test]
fn what_a_vendor_gives_is_read_from_where_it_lies() {
    let text = key(
        "alg = \"HS256\"\nsecret_env = \"NORTHWIND_SECRET\"\n[vendor.connectors.kombo]\n\
         api_key_env = \"NORTHWIND_SECRET\"\napi_url = \"https://api.example.com\"",
    );
    let given = Vendors::parse(&text, resolve).unwrap().given();
    let gifts = given.of(&"northwind/acme".into(), "kombo").unwrap();
    let secret = resolve(matricula_session::Reference::Variable("NORTHWIND_SECRET")).unwrap();
    assert_eq!(gifts.get("api_key"), Some(secret.trim()));
    assert_eq!(gifts.hidden.get("api_url"), None);
    assert_eq!(gifts.open["api_url"], "https://api.example.com");
    let printed = format!("{given:?}");
    assert!(!printed.contains(secret.trim()), "{printed}");
    // Neither another vendor's tenants nor this machine's own have it.
    for other in ["southridge/acme", "local", "northwind"] {
        assert!(given.of(&other.into(), "kombo").is_none(), "{other}");
    }
    assert!(given.of(&"northwind/acme".into(), "personio").is_none());
}

#[test]
fn what_a_vendor_gives_is_given_once_and_there() {
    for (lines, said) in [
        (
            "api_key = \"x\"\napi_key_env = \"NORTHWIND_SECRET\"",
            "api_key is given twice",
        ),
        ("api_url = \" \"", "api_url gives no value"),
        (
            "api_key_env = \"NOWHERE\"",
            "connectors.kombo: api_key_env \"NOWHERE\"",
        ),
    ] {
        let text = key(&format!(
            "alg = \"HS256\"\nsecret_env = \"NORTHWIND_SECRET\"\n[vendor.connectors.kombo]\n{lines}"
        ));
        let error = refused(&text);
        assert!(error.contains(said), "{error}");
    }
}
