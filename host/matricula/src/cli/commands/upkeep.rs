//! What keeps a store in order: copies, keys, erasure, retention; and the ways out for notices.

use std::path::Path;
use std::sync::Arc;

use matricula_core::SourceKey;
use matricula_store::SqliteStore;
use matricula_store::vault::Vault;
use serde_json::json;

use super::start::by;
use super::{drive, terms};
use crate::args::{Common, EraseArgs, KeysCommand, RetentionArgs, TestMailArgs, WebhookCommand};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::table::Table;
use crate::{key, mail, output, setup};

pub(crate) fn backup(common: &Common, file: &Path) -> Result<Exit, Fault> {
    let store = setup::open_store(common)?;
    drive(async {
        Ok(store
            .backup(file)
            .await
            .map_err(matricula_service::Error::from)?)
    })?;
    match common.json {
        true => output::json(&json!({ "file": file }))?,
        false => output::text(&format!(
            "{} is a copy of the store. Keep the key as well, in another place: without it the stored \
             credentials cannot be read.",
            file.display()
        ))?,
    }
    Ok(Exit::Done)
}

/// The new key is written before anything is encrypted under it, and takes the place of the former one once
/// everything is: whenever this is cut off, there are keys for everything.
pub(crate) fn keys(common: &Common, command: &KeysCommand) -> Result<Exit, Fault> {
    let KeysCommand::Rotate { new_key_file } = command;
    let places = setup::key_places(common);
    let former = setup::read_keys(common)?;
    let next = places.next();
    let new = match new_key_file {
        Some(file) => key::read(None, file)?,
        None => {
            key::make(&next)?;
            key::read(None, &next)?
        }
    };
    let mut vault = Vault::new(&new);
    for key in &former {
        vault = vault.with_previous(key);
    }
    let id = vault.key_id().to_owned();
    let store = SqliteStore::open(setup::store_file(common), vault)
        .map_err(matricula_service::Error::from)?;
    let rows = drive(async {
        Ok(store
            .rotate()
            .await
            .map_err(matricula_service::Error::from)?)
    })?;
    let replaced = match (new_key_file, places.file()) {
        (None, Some(file)) => {
            key::replace(file, &next, &places.previous())?;
            true
        }
        _ => false,
    };
    if common.json {
        output::json(&json!({ "key": id, "secrets": rows, "file_replaced": replaced }))?;
    } else {
        let text = match replaced {
            true => {
                "Keep a copy of the new key file in a safe place. A server that runs takes the new key by \
                     itself."
            }
            false => "Give the new key to every server and command from now on.",
        };
        output::text(&format!(
            "{rows} secrets are encrypted under the key {id}. {text}"
        ))?;
    }
    Ok(Exit::Done)
}

pub(crate) fn erase(common: &Common, args: &EraseArgs) -> Result<Exit, Fault> {
    let matricula = setup::open(common)?;
    let tenant = setup::tenant();
    let key = SourceKey::new(args.person.as_str());
    let rows = drive(async {
        let connector = args.connector.as_deref();
        Ok(matricula.erase(&tenant, connector, &key, &by()).await?)
    })?;
    match common.json {
        true => output::json(&json!({ "rows": rows }))?,
        false => output::text(&match rows {
            0 => "Nothing is kept about this person.".to_owned(),
            rows => format!(
                "{rows} rows about this person are removed. Copies of the store that were made before still \
                 have them."
            ),
        })?,
    }
    Ok(Exit::Done)
}

pub(crate) fn retention(common: &Common, args: &RetentionArgs) -> Result<Exit, Fault> {
    let matricula = setup::open(common)?;
    let tenant = setup::tenant();
    let days = drive(async {
        let store = matricula.store();
        if let Some(days) = args.days {
            let days = Some(days).filter(|days| *days > 0);
            let set = store.set_retention(&tenant, days).await;
            set.map_err(matricula_service::Error::from)?;
        }
        let tenants = store
            .tenants()
            .await
            .map_err(matricula_service::Error::from)?;
        let own = tenants.into_iter().find(|(id, _)| *id == tenant);
        Ok(own.and_then(|(_, days)| days))
    })?;
    match (common.json, days) {
        (true, days) => output::json(&json!({ "days": days }))?,
        (false, Some(days)) => output::text(&format!("Runs are kept for {days} days."))?,
        (false, None) => output::text("Runs are kept as long as the server does by itself.")?,
    }
    Ok(Exit::Done)
}

pub(crate) fn webhook(common: &Common, command: &WebhookCommand) -> Result<Exit, Fault> {
    let matricula = setup::open_or_make(common)?;
    let tenant = setup::tenant();
    match command {
        WebhookCommand::Add { name, url } => {
            let (_, secret) =
                drive(async { Ok(matricula.add_webhook(&tenant, name, url).await?) })?;
            match common.json {
                true => output::json(&json!({ "name": name, "secret": secret.as_str() }))?,
                false => output::text(&format!(
                    "{}\nThe secret by which {name} checks signatures; it is shown only now.",
                    secret.as_str()
                ))?,
            }
        }
        WebhookCommand::List => {
            let all = drive(async { Ok(matricula.webhooks(&tenant).await?) })?;
            let mut table = Table::new(["NAME", "ADDRESS", "ADDED"]);
            for webhook in &all {
                let url = webhook.public.get("url").cloned().unwrap_or_default();
                match common.json {
                    true => output::json(&json!({ "name": webhook.name, "url": url }))?,
                    false => table.row([
                        webhook.name.clone(),
                        url,
                        output::moment(webhook.created_at),
                    ]),
                }
            }
            if !common.json {
                output::text(&table.render())?;
            }
        }
        WebhookCommand::Remove { name } => {
            drive(async {
                let all = matricula.webhooks(&tenant).await?;
                let own = all.iter().find(|webhook| webhook.name == *name);
                let own = own.ok_or_else(|| matricula_service::Error::CredentialUnknown {
                    name: name.clone(),
                    hint: "`matricula webhook list` shows those that there are".to_owned(),
                })?;
                Ok(matricula.remove_webhook(&tenant, &own.id).await?)
            })?;
            match common.json {
                true => output::json(&json!({ "name": name, "removed": true }))?,
                false => output::text(&format!("{name} is removed."))?,
            }
        }
    }
    Ok(Exit::Done)
}

pub(crate) fn test_mail(common: &Common, args: &TestMailArgs) -> Result<Exit, Fault> {
    let matricula = Arc::new(setup::open_or_make(common)?);
    let tenant = setup::tenant();
    let Some(mailer) = mail::mailer(&args.mail)? else {
        return Err(Fault::usage(
            "a mail server is needed: --smtp URL, or MATRICULA_SMTP",
        ));
    };
    let courier = matricula.courier(mail::writer(&args.mail)?, Some(mailer));
    let contact = terms::contact(&args.to);
    drive(async {
        courier.test_mail(&tenant, &contact).await.map_err(|error| {
            Fault::new(Exit::Failed, "mail.failed", error).with_hint(
                "Look at the address of the server, its user, and MATRICULA_SMTP_PASSWORD.",
            )
        })
    })?;
    match common.json {
        true => output::json(&json!({ "sent": true }))?,
        false => output::text("The mail server has taken the mail.")?,
    }
    Ok(Exit::Done)
}
