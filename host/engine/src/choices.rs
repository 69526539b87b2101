//! Settings that name one of a system's own things: a document category, say.
//!
//! Where nothing is chosen, a flow can name what it would like best; what was taken is said in the run. What
//! was chosen and is there no more ends the run with that reason before anything is sent, since the remote's
//! own refusal would come once for each document.

use std::sync::Arc;

use matricula_core::connector::Choice;
use matricula_core::{Failure, FailureKind, Text};
use matricula_flow::{ChoiceSetting, Program};
use serde_json::Value;

use crate::observe::Observer;
use crate::side::{Side, Sides};
use crate::target::Patience;
use crate::{Engine, EngineError};

/// Pages of choices that are looked through.
const PAGES: usize = 100;

/// The program with every choice made, and what is to be said of it.
pub(crate) async fn resolve(
    engine: &Engine,
    sides: &Sides,
    program: &Arc<Program>,
    observer: &dyn Observer,
) -> Result<(Arc<Program>, Vec<Text>), EngineError> {
    let mut settings = program.settings().clone();
    let mut notes = Vec::new();
    for setting in program.flow().choices() {
        // One of several that is gone takes nothing from the others.
        if setting.many {
            continue;
        }
        let value = settings
            .get(&setting.setting)
            .cloned()
            .unwrap_or(Value::Null);
        if value.is_null() && setting.named.is_empty() {
            continue;
        }
        let [source, target] = [&sides.source, &sides.target];
        let side = match source.connector.manifest().id == setting.connector {
            true => source,
            false => target,
        };
        let choices = choices(engine, side, setting, observer).await?;
        if !value.is_null() {
            let chosen = choices.iter().any(|choice| value == choice.value.as_str());
            if !chosen {
                return Err(gone(side, setting).into());
            }
            continue;
        }
        let by_name = |name: &String| {
            choices
                .iter()
                .find(|choice| choice.label.trim() == name.trim())
        };
        let taken = setting.named.iter().find_map(by_name);
        let taken = taken.ok_or_else(|| none_named(side, setting))?;
        notes.push(Text::said(
            format!(
                "{}: nothing was chosen, so \"{}\" of {} was taken",
                setting.setting,
                taken.label,
                side.title()
            ),
            format!(
                "{}: nichts gewählt, deshalb wird „{}“ aus {} verwendet",
                titled(program, &setting.setting, "de"),
                taken.label,
                side.title_in("de")
            ),
        ));
        if let Some(settings) = settings.as_object_mut() {
            settings.insert(setting.setting.clone(), Value::from(taken.value.as_str()));
        }
    }
    if notes.is_empty() {
        return Ok((Arc::clone(program), notes));
    }
    let resolved = program.flow().program(&settings).map_err(|error| {
        let message = format!("what was taken for a setting does not fit it: {error}");
        Failure::new(FailureKind::Config, message).with_code("settings")
    })?;
    Ok((Arc::new(resolved), notes))
}

/// What the form calls a setting.
fn titled<'a>(program: &'a Program, setting: &'a str, language: &str) -> &'a str {
    let title = format!("/properties/{setting}/x-title/{language}");
    let title = program.flow().settings_schema().pointer(&title);
    title.and_then(Value::as_str).unwrap_or(setting)
}

async fn choices(
    engine: &Engine,
    side: &Side,
    setting: &ChoiceSetting,
    observer: &dyn Observer,
) -> Result<Vec<Choice>, Failure> {
    let mut all = Vec::new();
    let mut position: Option<String> = None;
    for _ in 0..PAGES {
        let mut patience = Patience::new(engine, observer);
        let page = loop {
            let key = format!("options:{}", setting.lookup);
            let call = side.call(engine.clock.now(), key, engine.options.call_deadline);
            let page = side
                .connector
                .options(&call, &setting.lookup, None, position.as_deref())
                .await;
            match page {
                Err(failure) if patience.again(&failure).await => {}
                page => break page?,
            }
        };
        all.extend(page.items);
        match page.next {
            Some(next) => position = Some(next),
            None => return Ok(all),
        }
    }
    let message = format!(
        "{} offers more than {PAGES} pages of choices for {}",
        side.title(),
        setting.setting
    );
    Err(Failure::new(FailureKind::Protocol, message))
}

fn gone(side: &Side, setting: &ChoiceSetting) -> Failure {
    let message = format!(
        "what was chosen as {} is not there any more in {}: choose another in the automation's settings",
        setting.setting,
        side.title()
    );
    Failure::new(FailureKind::Config, message).with_code("choice-gone")
}

fn none_named(side: &Side, setting: &ChoiceSetting) -> Failure {
    let message = format!(
        "nothing is chosen as {}, and {} has none called {}: choose one in the automation's settings",
        setting.setting,
        side.title(),
        setting.named.join(", ")
    );
    Failure::new(FailureKind::Config, message).with_code("choice-missing")
}
