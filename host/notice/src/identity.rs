//! Names of messages that stay the same however often they are sent.
//!
//! A message can arrive although its answer was lost; it is then sent again. Mail programs drop a second mail
//! with the same Message-ID, and receivers of webhooks are told to do so with the same `webhook-id`. Numbers of
//! rows would not do: another store, or one that was restored from a backup, gives them out again.

use jiff::Timestamp;
use matricula_core::notice::{Delivery, Notice};
use sha2::{Digest, Sha256};

/// The part before the `@` of a Message-ID: the same for every attempt of one delivery.
pub(crate) fn of_delivery(delivery: &Delivery) -> String {
    let mut hash = of_notice(delivery.notice_id, &delivery.notice);
    hash.update(delivery.id.to_be_bytes());
    name(hash)
}

/// `webhook-id`: the same for every attempt and at every endpoint.
pub(crate) fn of_message(notice_id: i64, notice: &Notice) -> String {
    format!("msg_{}", name(of_notice(notice_id, notice)))
}

/// The part before the `@` for a mail that is in no outbox.
pub(crate) fn of_test(email: &str, now: Timestamp) -> String {
    let mut hash = Sha256::new();
    hash.update(b"test\0");
    hash.update(now.as_millisecond().to_be_bytes());
    hash.update(email.as_bytes());
    name(hash)
}

fn of_notice(notice_id: i64, notice: &Notice) -> Sha256 {
    let mut hash = Sha256::new();
    let automation = notice.automation.as_ref().map_or("", |id| id.as_str());
    for text in [
        notice.kind.as_str(),
        notice.tenant.as_str(),
        automation,
        &notice.reason,
    ] {
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    hash.update(notice.at.as_millisecond().to_be_bytes());
    hash.update(notice_id.to_be_bytes());
    hash
}

/// 128 bits in hexadecimal digits.
fn name(hash: Sha256) -> String {
    use std::fmt::Write;

    let digest = hash.finalize();
    digest
        .iter()
        .take(16)
        .fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use matricula_core::notice::{Channel, Facts, NoticeKind};

    use super::*;

    fn delivery(id: i64) -> Delivery {
        Delivery {
            id,
            notice_id: 7,
            notice: Notice {
                kind: NoticeKind::Paused,
                tenant: "t".into(),
                automation: Some("a".into()),
                reason: "auth".into(),
                at: "2026-11-21T03:00:00Z".parse().unwrap(),
                facts: Facts::default(),
            },
            channel: Channel::Webhook {
                endpoint: "e".into(),
                url: "https://hooks.example.com/".into(),
            },
            attempts: 0,
        }
    }

    #[test]
    fn attempts_share_a_name_and_nothing_else_does() {
        let first = delivery(1);
        let again = Delivery {
            attempts: 3,
            ..first.clone()
        };
        assert_eq!(of_delivery(&first), of_delivery(&again));
        assert_eq!(of_delivery(&first).len(), 32);
        assert_ne!(of_delivery(&first), of_delivery(&delivery(2)));

        // The same numbers in another store, at another time.
        let mut later = first.clone();
        later.notice.at = "2026-11-22T03:00:00Z".parse().unwrap();
        assert_ne!(of_delivery(&first), of_delivery(&later));
        assert_ne!(of_message(7, &first.notice), of_message(7, &later.notice));
    }

    #[test]
    fn every_endpoint_sees_the_same_message() {
        assert_eq!(
            of_message(7, &delivery(1).notice),
            of_message(7, &delivery(2).notice)
        );
        assert!(of_message(7, &delivery(1).notice).starts_with("msg_"));
    }
}
