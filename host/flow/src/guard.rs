//! The guard: a cycle that would take suspiciously many accounts away asks first.

use matricula_core::Text;

/// How many may lose their access in one cycle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guard {
    /// The greatest share of the linked people, 0 to 1.
    pub share: f64,
    /// From how many linked people on the share counts.
    pub from: u64,
    /// The greatest number, whatever the share.
    pub count: u64,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            share: 0.2,
            from: 20,
            count: 500,
        }
    }
}

/// What the guard says of the deactivations of a cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Apply them.
    Apply,
    /// Stage them and ask the owner.
    Hold {
        /// One sentence for the owner.
        reason: Text,
    },
}

/// Judges `leaving` deactivations among `linked` people. What is exactly at a limit is applied.
pub fn verdict(guard: &Guard, linked: u64, leaving: u64) -> Verdict {
    if leaving > guard.count {
        return Verdict::Hold {
            reason: Text::said(
                format!(
                    "{leaving} people would lose access in this cycle; the flow allows at most {}",
                    guard.count
                ),
                format!(
                    "{leaving} {} in diesem Durchgang den Zugang verlieren; der Flow erlaubt höchstens {}",
                    if leaving == 1 {
                        "Person würde"
                    } else {
                        "Personen würden"
                    },
                    guard.count
                ),
            ),
        };
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of people are far below 2^52"
    )]
    let above = leaving as f64 > guard.share * linked as f64;
    if linked >= guard.from && above {
        return Verdict::Hold {
            reason: Text::said(
                format!(
                    "{leaving} of {linked} people would lose access in this cycle; the flow allows at most \
                     {} %",
                    percent(guard.share)
                ),
                format!(
                    "{leaving} von {linked} Personen {} in diesem Durchgang den Zugang verlieren; der Flow \
                     erlaubt höchstens {} %",
                    if leaving == 1 { "würde" } else { "würden" },
                    percent(guard.share).replace('.', ",")
                ),
            ),
        };
    }
    Verdict::Apply
}

/// A share in percent, without digits that say nothing.
fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(guard: &Guard, linked: u64, leaving: u64, language: &str) -> Option<String> {
        match verdict(guard, linked, leaving) {
            Verdict::Apply => None,
            Verdict::Hold { reason } => Some(reason.get(language).to_owned()),
        }
    }

    fn held(guard: &Guard, linked: u64, leaving: u64) -> Option<String> {
        said(guard, linked, leaving, "en")
    }

    #[test]
    fn a_share_above_the_limit_is_held() {
        let guard = Guard::default();
        assert_eq!(held(&guard, 100, 20), None);
        assert_eq!(
            held(&guard, 100, 21).unwrap(),
            "21 of 100 people would lose access in this cycle; the flow allows at most 20 %"
        );
    }

    #[test]
    fn a_small_population_has_no_share() {
        let guard = Guard::default();
        assert_eq!(held(&guard, 19, 19), None);
        assert!(held(&guard, 20, 5).is_some());
        assert_eq!(held(&guard, 20, 4), None);
        assert_eq!(held(&guard, 0, 0), None);
    }

    #[test]
    fn a_number_above_the_limit_is_held_whatever_the_share() {
        let guard = Guard::default();
        assert_eq!(held(&guard, 100_000, 500), None);
        assert_eq!(
            held(&guard, 100_000, 501).unwrap(),
            "501 people would lose access in this cycle; the flow allows at most 500"
        );
        assert!(held(&Guard { count: 0, ..guard }, 1, 1).is_some());
    }

    #[test]
    fn the_percentage_is_said_as_it_was_written() {
        let guard = Guard {
            share: 0.125,
            from: 1,
            count: 500,
        };
        assert!(held(&guard, 8, 2).unwrap().ends_with("at most 12.5 %"));
        assert_eq!(
            said(&guard, 8, 2, "de").unwrap(),
            "2 von 8 Personen würden in diesem Durchgang den Zugang verlieren; der Flow erlaubt höchstens 12,5 %"
        );
    }

    #[test]
    fn one_person_is_one_in_german_too() {
        let guard = Guard {
            count: 0,
            ..Guard::default()
        };
        assert_eq!(
            said(&guard, 1, 1, "de").unwrap(),
            "1 Person würde in diesem Durchgang den Zugang verlieren; der Flow erlaubt höchstens 0"
        );
    }
}
