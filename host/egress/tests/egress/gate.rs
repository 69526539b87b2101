//! Where requests may go.

use matricula_core::egress::{Egress, SendError};

use crate::support::*;

#[tokio::test]
async fn only_origins_of_the_manifest_are_reached_however_an_address_is_dressed_up() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(200, "") }).await;
    let session = Case::at(&clock, &server).session();
    for url in [
        "https://evil.example.org/",
        "https://api.example.com.evil.example.org/",
        "https://evil.example.org/https://api.example.com/",
        "https://api.example.com@evil.example.org/",
        "https://evil.example.org#@api.example.com/",
        "https://user:password@api.example.com/",
        "https://api.example.com./",
        "https://api.example.com:8443/",
        "http://api.example.com/",
        "ftp://api.example.com/",
        "file:///etc/hostname",
        "https://sub.api.example.com/",
        "https://127.0.0.1/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://[::ffff:127.0.0.1]/",
        "https://xn--api-example-com.example.org/",
        "https://арi.example.com/",
        "//api.example.com/",
        "/v1/employees",
        "",
    ] {
        let error = get(&session, if url.starts_with('/') { "x" } else { url })
            .await
            .unwrap_err();
        assert!(
            matches!(error, SendError::OriginNotAllowed(_)),
            "{url}: {error:?}"
        );
        let error = session.send(request("GET", url), LONG).await.unwrap_err();
        assert!(
            matches!(error, SendError::OriginNotAllowed(_)),
            "{url}: {error:?}"
        );
    }
    let error = get(&session, "https://evil.example.org/")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Example may not reach https://evil.example.org: its manifest and this credential name \
         https://api.example.com. No setting adds an origin; if it belongs to the system, the \
         connector's manifest must name it"
    );
    assert!(server.seen().is_empty());
    assert_eq!(session.requests(), 0);

    for url in [
        "https://API.example.com/ok",
        "https://api.example.com:443/ok",
        r"https:\\api.example.com\ok",
    ] {
        assert_eq!(get(&session, url).await.unwrap().status, 200, "{url}");
    }
    assert_eq!(session.requests(), 3);
}

#[tokio::test]
async fn a_mapped_origin_is_connected_elsewhere_and_nobody_notices() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(200, "here") }).await;
    let session = Case::at(&clock, &server).session();
    let answer = get(&session, "/a%2Fb?limit=1&attributes[]=id")
        .await
        .unwrap();
    assert_eq!(answer.body, "here");
    let seen = &server.seen()[0];
    assert_eq!(seen.target, "/a%2Fb?limit=1&attributes[]=id");
    assert_eq!(seen.header("host"), Some("api.example.com"));
    assert!(seen.header("user-agent").unwrap().starts_with("Matricula/"));
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_before_anything_connects() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(200, "inside") }).await;
    let origin = format!("https://api.example.com:{}", server.port);
    for addresses in [
        &["127.0.0.1"][..],
        &["::1"],
        &["10.1.2.3"],
        &["169.254.169.254"],
        &["64:ff9b::7f00:1"],
        &["2002:7f00:1::"],
        &["::ffff:127.0.0.1"],
        // One that is public does not make the other one so.
        &["93.184.216.34", "127.0.0.1"],
        &["127.0.0.1", "93.184.216.34"],
    ] {
        let names = Names::default().with("api.example.com", &[addresses]);
        let session = Case::new(&clock).origins(&[&origin]).names(names).session();
        let error = get(&session, &format!("{origin}/")).await.unwrap_err();
        assert!(
            matches!(&error, SendError::AddressBlocked(why) if why.ends_with(&format!("--allow-private {origin}"))),
            "{addresses:?}: {error:?}"
        );
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_grant_opens_a_private_network_and_plain_http_only_there() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(200, "inside") }).await;
    let origin = format!("http://lms.example.com:{}", server.port);
    let case = |addresses: &[&str]| {
        Case::new(&clock)
            .origins(&[&origin])
            .policy(|policy| policy.allow_private(&origin).unwrap())
            .names(Names::default().with("lms.example.com", &[addresses]))
    };
    let inside = get(&case(&["127.0.0.1"]).session(), &format!("{origin}/"))
        .await
        .unwrap();
    assert_eq!(inside.body, "inside");
    for outside in [
        &["93.184.216.34"][..],
        &["169.254.169.254"],
        &["fd00:ec2::254"],
    ] {
        let error = get(&case(outside).session(), &format!("{origin}/"))
            .await
            .unwrap_err();
        assert!(
            matches!(error, SendError::AddressBlocked(_)),
            "{outside:?}: {error:?}"
        );
    }
    // The same credential without the grant.
    let plain = Case::new(&clock).origins(&[&origin]).session();
    let error = get(&plain, &format!("{origin}/")).await.unwrap_err();
    assert!(
        matches!(&error, SendError::OriginNotAllowed(why)
        if why.contains(&format!("--allow-private {origin}"))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_name_is_resolved_once_per_connection_so_it_cannot_change_its_mind() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(200, "inside") }).await;
    let origin = format!("http://lms.example.com:{}", server.port);
    // Whoever resolved a second time between check and connection would get the metadata service.
    let names = Names::default().with("lms.example.com", &[&["127.0.0.1"], &["169.254.169.254"]]);
    let case = Case::new(&clock)
        .origins(&[&origin])
        .policy(|policy| policy.allow_private(&origin).unwrap())
        .names(names);
    let session = case.session();
    for _ in 0..3 {
        assert_eq!(
            get(&session, &format!("{origin}/")).await.unwrap().body,
            "inside"
        );
    }
    assert_eq!(
        case.names.asked(),
        1,
        "the connection is kept and was checked"
    );
    // A new connection is checked anew.
    let error = get(&case.session(), &format!("{origin}/"))
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::AddressBlocked(_)), "{error:?}");
}

#[tokio::test]
async fn the_credential_decides_an_origin_that_the_manifest_leaves_to_it() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(200, "academy") }).await;
    let case = |address: &str| {
        Case::new(&clock)
            .origins(&["{scim_url}", "https://api.example.com"])
            .public("scim_url", address)
            .map("https://academy.example.com", &server.origin())
    };
    let session = case("https://academy.example.com/scim/v2").session();
    let answer = get(&session, "https://academy.example.com/scim/v2/Users")
        .await
        .unwrap();
    assert_eq!(answer.body, "academy");
    let other = case("https://other.example.com/scim/v2").session();
    let error = get(&other, "https://academy.example.com/scim/v2/Users")
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::OriginNotAllowed(_)), "{error:?}");
    let error = get(
        &case("").session(),
        "https://academy.example.com/scim/v2/Users",
    )
    .await;
    assert!(matches!(error, Err(SendError::OriginNotAllowed(_))));
    let literal = case("https://0x7f.1/scim/v2").session();
    let error = get(&literal, "https://127.0.0.1/scim/v2/Users")
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::AddressBlocked(_)), "{error:?}");
}

#[tokio::test]
async fn requests_that_break_the_rules_are_refused() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(200, "") }).await;
    let session = Case::at(&clock, &server).session();
    for method in ["CONNECT", "TRACE", "", "GET /x HTTP/1.1\r\n", "GÉT"] {
        let error = session
            .send(request(method, "https://api.example.com/"), LONG)
            .await;
        assert!(
            matches!(error, Err(SendError::OriginNotAllowed(_))),
            "{method}"
        );
    }
    let mut with_header = request("GET", "https://api.example.com/");
    with_header
        .headers
        .push(("Authorization".into(), "Bearer mine".into()));
    let error = session.send(with_header, LONG).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connector of Example set the header \"Authorization\": the host sets it, as the manifest \
         describes"
    );
    let long = format!("https://api.example.com/{}", "x".repeat(9000));
    assert!(matches!(
        get(&session, &long).await,
        Err(SendError::TooLarge(_))
    ));
    let mut large = request("POST", "https://api.example.com/");
    large.body = Some(vec![0; 17 * 1024 * 1024].into());
    assert!(matches!(
        session.send(large, LONG).await,
        Err(SendError::TooLarge(_))
    ));
    assert!(server.seen().is_empty());
}
