//! Facts that an engine gets wrong without a word, each a test of its own; `tests/data/traps.txt` has them.

use std::collections::BTreeSet;

use castellan_kql::Value;
use castellan_kql::interpret::Row;

use crate::answers::answer;
use crate::traps_file::{Trap, read};

const FILE: &str = include_str!("../data/traps.txt");

fn cell(value: &Value) -> String {
    if value.is_null() { "null".to_owned() } else { value.to_text() }
}

fn hold(trap: &Trap<'_>) {
    let found = match (answer(&trap.query), trap.refusal()) {
        (Err(error), Some(code)) => return assert_eq!(error.code, code, "{error}: {}", trap.query),
        (Err(error), None) => panic!("{error}: {}", trap.query),
        (Ok(_), Some(code)) => panic!("not refused with {code}: {}", trap.query),
        (Ok(answer), None) => answer,
    };
    let columns: Vec<String> =
        found.columns.iter().map(|column| format!("{}:{}", column.name, column.scalar_type)).collect();
    assert_eq!(columns.join("|"), trap.columns, "{}", trap.query);
    let line = |row: &Row| row.iter().map(cell).collect::<Vec<String>>().join("|");
    let mut rows: Vec<String> = found.rows.iter().map(line).collect();
    let mut expected = trap.rows.clone();
    if !found.is_ordered {
        rows.sort();
        expected.sort_unstable();
    }
    assert_eq!(rows, expected, "{}", trap.query);
}

/// A test for each name, and one that holds the names to those of the file.
macro_rules! traps {
    ($($name:ident)*) => {
        $(#[test] fn $name() {
            let name = stringify!($name);
            hold(read(FILE).iter().find(|trap| trap.name == name).expect("the file has the fact"));
        })*

        #[test]
        fn every_fact_of_the_file_is_a_test() {
            let names: BTreeSet<&str> = [$(stringify!($name)),*].into();
            let facts = read(FILE);
            let missing: Vec<&str> =
                facts.iter().map(|trap| trap.name).filter(|name| !names.contains(name)).collect();
            assert!(missing.is_empty(), "{missing:?}");
            assert_eq!(facts.len(), names.len());
        }
    };
}

traps! {
    a_join_without_kind_takes_one_left_row_a_key
    an_inner_join_takes_every_pair
    innerunique_may_be_written
    names_of_the_right_side_that_are_taken_get_a_number
    a_number_that_is_taken_too_is_passed_over
    keys_of_two_names_are_both_kept
    leftsemi_gives_the_left_side
    rightsemi_gives_the_right_side
    leftanti_gives_left_rows_without_a_partner
    rightanti_gives_right_rows_without_a_partner
    anti_is_leftanti
    leftantisemi_is_leftanti
    rightantisemi_is_rightanti
    a_leftouter_join_keeps_rows_that_are_equal
    a_rightouter_join_fills_the_left_side
    a_fullouter_join_fills_both_sides
    a_lookup_keeps_the_key_once
    an_inner_lookup_drops_what_is_not_found
    keys_of_a_join_are_case_sensitive
    has_finds_whole_terms
    a_term_of_two_letters_is_a_term
    has_finds_several_terms_in_a_row
    an_underscore_parts_terms_no_less_than_a_dot
    contains_finds_parts_of_terms
    words_without_cs_do_not_care_about_case
    words_with_cs_care_about_case
    equality_and_in_care_about_case
    in_takes_a_dynamic_array
    in_takes_the_first_column_of_a_query
    in_without_case_takes_a_query
    has_any_and_has_all_take_a_dynamic_array
    has_any_takes_a_query
    has_any_finds_terms_and_no_parts
    matches_regex_finds_a_part
    equality_with_null_on_one_side_is_false
    equality_of_two_nulls_is_null
    order_with_null_is_null
    where_takes_null_for_false
    not_of_null_is_null_and_where_drops_it
    inequality_finds_null
    null_and_false_is_false_and_null_or_true_is_true
    arithmetic_with_null_is_null
    strings_have_no_null
    an_empty_string_equals_an_empty_string
    a_string_that_an_outer_join_misses_is_empty
    null_is_not_in_a_list
    tostring_of_null_is_empty
    a_sum_of_nulls_is_zero
    an_average_of_nulls_is_no_number
    a_deviation_of_nulls_is_zero
    lists_of_nulls_are_empty
    lists_skip_nulls
    extremes_of_nulls_are_null
    extremes_skip_nulls
    count_of_a_column_counts_rows
    an_aggregate_over_no_rows_gives_a_row
    an_aggregate_with_keys_over_no_rows_gives_none
    null_is_a_group
    aggregates_name_their_columns
    a_name_that_is_taken_gets_a_number
    percentiles_have_a_column_each
    an_expression_without_a_name_is_a_numbered_column
    keys_come_first
    a_bin_has_the_name_of_its_column
    a_key_that_is_an_expression_is_a_numbered_column
    arg_max_of_a_star_gives_all_columns
    arg_max_has_the_names_of_its_columns
    arg_max_skips_nulls
    summarize_without_an_aggregate_is_distinct
    sumif_without_a_hit_is_zero
    a_percentile_is_a_value_that_is_there
    the_ends_of_percentiles_are_the_extremes
    a_distinct_count_of_few_is_exact
    a_distinct_count_skips_no_empty_string
    bins_of_times_begin_at_midnight
    bins_of_negative_numbers_go_down
    bins_of_negative_timespans_go_down
    floor_is_bin
    bin_at_begins_where_it_is_told
    a_bin_of_zero_width_is_null
    weeks_start_on_sunday
    ends_are_the_last_tick_inside
    starts_and_ends_take_an_offset
    a_remainder_is_not_negative
    division_of_whole_numbers_is_whole
    division_of_timespans_is_a_number
    a_whole_number_divided_by_zero_is_null
    a_real_divided_by_zero_is_infinite
    what_is_no_number_becomes_null
    a_whole_number_is_cut_off
    dates_may_be_written_with_the_month_first
    dates_may_be_written_as_in_mail
    offsets_are_converted
    a_difference_of_times_is_a_timespan
    timespans_have_days_and_seven_digits
    int_and_long_give_long
    a_path_that_is_missing_is_null
    a_negative_index_counts_from_the_end
    names_in_a_path_are_case_sensitive
    an_item_that_is_not_there_is_at_minus_one
    both_ends_of_a_slice_are_in_it
    sorted_arrays_have_null_last
    a_set_of_arrays_is_their_union
    a_list_of_arrays_joins_them
    an_array_expands_to_its_items
    a_bag_expands_to_bags_of_one_key
    a_bag_may_expand_to_pairs
    null_expands_to_a_row
    an_empty_array_expands_to_nothing
    a_single_value_expands_to_itself
    columns_that_expand_together_are_zipped
    items_may_get_a_type
    items_may_be_numbered
    numbered_items_go_into_a_subquery
    a_subquery_over_items_drops_rows_without_items
    a_body_that_reads_a_table_knows_the_key_of_its_part
    what_a_body_counts_is_counted_for_each_part
    a_dynamic_number_compares_as_a_number
    parse_json_of_text_that_is_no_json_is_that_text
    range_includes_both_ends
    range_may_go_down
    sort_goes_down_unless_told
    top_goes_down_unless_told
    null_is_last_going_down
    null_is_first_going_up
    where_nulls_go_may_be_said
    each_key_of_a_sort_goes_its_own_way
    render_changes_no_row
    true_is_written_with_a_capital
    times_are_written_with_seven_digits
    hashes_go_through_text
    md5_of_a_number_is_of_its_text
    the_end_of_a_series_is_not_in_it
    bins_without_rows_are_zero
    what_fills_a_bin_may_be_said
    keys_of_a_series_come_first_and_the_axis_last
    a_step_that_no_binary_number_holds_is_exact
    rows_outside_a_series_do_not_count
    a_union_has_the_columns_of_all
    an_inner_union_has_the_columns_that_all_have
    columns_of_two_types_stay_apart
    a_union_may_say_where_rows_are_from
    a_fuzzy_union_does_without_a_table
    a_fuzzy_union_of_nothing_that_is_there_is_an_error
    a_union_finds_views_by_a_pattern
    a_union_keeps_rows_that_are_equal
    externaldata_is_not_read_unless_allowed
    extract_takes_the_group_second
    extract_may_give_a_type
    parse_takes_as_little_as_it_can
    parse_gives_types
    parse_without_a_match_gives_null
    parse_with_one_bad_type_gives_nothing
    relaxed_parse_keeps_what_fits
    parse_by_regex_takes_expressions_between
    parse_where_drops_what_does_not_fit
    a_star_skips_text
    a_column_that_is_not_there_has_its_default
    toscalar_takes_the_first_value
    toscalar_of_no_rows_is_null
    a_materialized_table_is_drawn_once
    as_names_what_comes_before
    a_let_is_put_in_where_it_stands
    a_function_may_take_a_table
    replace_takes_groups_by_number
    split_and_indexes_begin_at_zero
}
