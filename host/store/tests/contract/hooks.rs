//! The secret addresses of automations.

use matricula_core::AutomationId;
use matricula_core::store::StoreError;

use super::made_up::*;

pub async fn a_digest_is_kept_and_replaced(store: AnyStore) {
    let id = set_up(&store, "automation").await;
    let other = set_up(&store, "another").await;
    assert_eq!(store.hook(&id).await.unwrap(), None);
    for digest in [Some([1; 32]), Some([0xFF; 32]), None, None] {
        store.set_hook(&id, digest).await.unwrap();
        assert_eq!(store.hook(&id).await.unwrap(), digest);
        assert_eq!(store.hook(&other).await.unwrap(), None);
    }
    let nowhere = AutomationId::new("nowhere");
    let set = store.set_hook(&nowhere, Some([1; 32])).await;
    let read = store.hook(&nowhere).await.map(drop);
    for result in [set, read] {
        assert!(matches!(result, Err(StoreError::NotFound(_))), "{result:?}");
    }
}
