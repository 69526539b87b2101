//! What every store has to do, written against the port alone.
//!
//! `contract_tests!(make)` makes a test of each function named below. `make` is an async function that
//! gives an empty store and something that is kept until the test is over.

pub mod automations;
pub mod board;
pub mod credential_tests;
pub mod credentials;
pub mod documents;
pub mod doubts;
pub mod due;
pub mod figures;
pub mod groups;
pub mod hooks;
pub mod journal;
pub mod kept_answers;
pub mod leases;
pub mod links;
pub mod made_up;
pub mod memberships;
pub mod outbox;
pub mod paging;
pub mod references;
pub mod retention;
pub mod runs;
pub mod standings;
pub mod tallies;

macro_rules! contract_tests {
    ($make:path) => {
        contract_tests! { $make:
            credentials { a_credential_survives, a_name_is_given_once, what_is_used_stays, a_credential_is_renewed }
            automations {
                an_automation_survives, memory_is_left_alone, credentials_must_be_the_tenants,
                the_file_that_it_runs, removed_with_everything, not_while_it_runs
            }
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
            documents {
                any_document_survives, a_digest_that_is_none_is_not_written, found_by_key,
                by_state_in_the_order_of_keys, what_was_delivered_as_what, forgotten_with_the_page,
                only_with_the_lease, each_automation_has_its_own
            }
            groups {
                a_group_survives, a_membership_follows_the_account, what_the_record_no_longer_says,
                what_nobody_has_confirmed, accounts_that_change_hands, a_group_that_is_gone_has_no_members,
                what_is_tried_again_later, another_account_does_not_wait, records_are_dealt_with_again,
                in_pages_by_group_and_person,
                what_goes_with_a_person_and_an_automation
            }
            memberships { due_is_right_after_anything }
            figures { due_for_each_reason, figures_are_right_after_anything }
            doubts { an_owner_decides, a_decision_stands }
            paging { dates_come_due, leaving_by_decision, decisions, a_decision_is_not_taken_back }
            references {
                resolvable_once_the_other_has_an_account, replaced_or_left_alone, a_page_never_cuts_a_person,
                not_before_there_is_an_account_to_write_to
            }
            standings {
                enrolled_once, any_standing_survives, only_from_the_version_it_was_made_from,
                a_change_is_whole, changes_at_the_same_time, in_pages_by_id, who_is_overdue, seen_as_a_whole
            }
            due { the_longest_waiting_first, not_who_runs, who_is_no_more_holds_nothing, not_who_was_stopped, when_the_next_one_is }
            journal { the_newest_entries_first, of_one_automation_or_a_tenant, the_automation_must_exist }
            outbox {
                told_once_while_it_stands, told_again_after_it_was_withdrawn, tests_are_always_told,
                delivered_by_every_way, nobody_wants_it, addressed_once, tried_again_and_given_up,
                who_is_told, who_gets_the_report
            }
            hooks { a_digest_is_kept_and_replaced }
            retention {
                old_runs_go_in_portions, what_is_needed_stays, days_by_tenant, one_person_is_erased,
                the_documents_of_one_person, failed_documents_are_tried_at_once, every_document_anew, a_link_is_forgotten, failed_people_are_tried_at_once, everybody_anew
            }
            board {
                everything_at_a_glance, the_last_runs, who_needs_somebody_first, cards_are_right_after_anything,
                a_card_goes_with_its_automation
            }
            credential_tests {
                the_last_test, who_uses_them, what_was_told, how_long_runs_are_kept, credentials_by_what_they_hold
            }
            kept_answers {
                answered_once, given_back, free_again, dropped_when_their_time_is_over, one_of_many_takes_it
            }
            tallies { what_ended_in_a_span, the_newest_of_what_was_asked_for }
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
