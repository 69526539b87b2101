//! What every store has to do, written against the port alone.
//!
//! `contract_tests!(make)` makes a test of each function named below. `make` is an async function that
//! gives an empty store and something that is kept until the test is over.

pub mod automations;
pub mod credentials;
pub mod leases;
pub mod links;
pub mod made_up;
pub mod paging;
pub mod references;
pub mod runs;

macro_rules! contract_tests {
    ($make:path) => {
        contract_tests! { $make:
            credentials { a_credential_survives, a_name_is_given_once, what_is_used_stays, a_credential_is_renewed }
            automations { an_automation_survives, memory_is_left_alone, credentials_must_be_the_tenants }
            leases {
                one_owner_at_a_time, the_same_owner_again, what_ran_out_is_free, the_gone_are_replaced,
                given_back, one_of_many, who_lost_it_writes_nothing, an_automation_must_exist
            }
            runs {
                a_run_from_begin_to_finish, one_run_at_a_time, an_ended_run_is_over, any_run_survives,
                the_newest_first, seen_adds_up, outcomes_in_pages
            }
            links {
                any_link_survives, odd_keys, keys_come_in_order, accounts_are_found,
                automations_do_not_meet, population_is_right_after_anything
            }
            paging { dates_come_due, leaving_by_decision, decisions, a_decision_is_not_taken_back }
            references {
                resolvable_once_the_other_has_an_account, replaced_or_left_alone, a_page_never_cuts_a_person,
                not_before_there_is_an_account_to_write_to
            }
        }
    };
    ($make:path: $($topic:ident { $($name:ident),+ $(,)? })+) => {
        $(mod $topic {
            $(#[tokio::test]
            async fn $name() {
                let (store, _kept) = $make().await;
                crate::contract::$topic::$name(store).await;
            })+
        })+
    };
}
