//! Signing in to a system in a window of its own, what vendors give, the events that such a system signs, and how a
//! connection ends.

mod end;
mod events;
mod given;
mod window;

use matricula_session::sign_hs256;
use serde_json::{Value, json};

use crate::world::{Answer, SECRET, Who, World};

impl World {
    /// Asks as somebody whose token says what Kombo wants to know.
    async fn signed_in(&self, who: Who, method: &str, path: &str, body: Value) -> Answer {
        let mut claims = self.claims(who);
        claims["email"] = format!("{}@example.com", who.tenant).into();
        claims["organization"] = format!("{} Inc.", who.tenant).into();
        claims["locale"] = "de".into();
        let token = sign_hs256(SECRET.as_bytes(), "shared", claims.as_object().unwrap());
        let headers = [("if-match", "*")];
        let request = self.request(Some(&token), method, path, &headers, Some(&body));
        self.send(request).await
    }

    /// A window's address, and the token that somebody gets who signs in there.
    async fn window(&self, who: Who, body: Value) -> (Value, String) {
        let answer = self.signed_in(who, "POST", "/connectors/kombo/connect", body);
        let window = answer.await.ok();
        let token = self
            .sandbox
            .kombo()
            .sign_in(window["link"].as_str().unwrap());
        (window, token.unwrap())
    }

    /// A credential that somebody has connected.
    async fn connected(&self, who: Who, name: &str) -> Value {
        let (_, token) = self.window(who, json!({ "method": "connect" })).await;
        let added =
            json!({ "name": name, "connector": "kombo", "method": "connect", "token": token });
        self.signed_in(who, "POST", "/credentials", added)
            .await
            .ok()
    }
}
