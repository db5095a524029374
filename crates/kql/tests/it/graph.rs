//! Graphs: what the documented cases do not show.

use crate::answers::{refusal_within, texts};

/// Edges of a letter each way: `ab bc` is an edge from a to b and one from b to c.
fn graph(edges: &str, rest: &str) -> String {
    let rows: Vec<String> = edges
        .split(' ')
        .enumerate()
        .map(|(number, edge)| format!("'{}', '{}', {number}", &edge[..1], &edge[1..]))
        .collect();
    format!(
        "datatable(s: string, t: string, n: long) [{}] | make-graph s --> t with_node_id=id | {rest}",
        rows.join(", ")
    )
}

fn found(edges: &str, rest: &str) -> Vec<String> {
    let mut rows = texts(&graph(edges, rest));
    rows.sort();
    rows
}

const WALKS: &str = "(a)-[e*1..4]->(b) where a.id == 'a' project strcat_array(map(e, tostring(n)), '')";

#[test]
fn cycles_are_matched_as_told() {
    let edges = "ab ba bc";
    assert_eq!(found(edges, &format!("graph-match cycles=none {WALKS}")), ["0", "02"]);
    let unique = ["0", "01", "02"];
    assert_eq!(found(edges, &format!("graph-match cycles=unique_edges {WALKS}")), unique);
    assert_eq!(found(edges, &format!("graph-match {WALKS}")), unique);
    let all = ["0", "01", "010", "0101", "0102", "02"];
    assert_eq!(found(edges, &format!("graph-match cycles=all {WALKS}")), all);
}

#[test]
fn cycles_count_for_the_pattern_as_a_whole() {
    let project = "project strcat(e.n, f.n)";
    let back = format!("graph-match (a)-[e]->(b)<-[f]-(c) {project}");
    assert_eq!(found("ab cb", &back), ["01", "10"]);
    let back = format!("graph-match cycles=all (a)-[e]->(b)<-[f]-(c) {project}");
    assert_eq!(found("ab cb", &back), ["00", "01", "10", "11"]);
    let round = format!("graph-match cycles=none (a)-[e]->(b)-[f]->(a) {project}");
    assert_eq!(found("ab ba", &round), [""; 0]);
}

#[test]
fn edges_without_a_direction_go_both_ways() {
    let any = "graph-match (a)-[e]-(b) project strcat(a.id, b.id)";
    assert_eq!(found("ab bc", any), ["ab", "ba", "bc", "cb"]);
    assert_eq!(found("aa", any), ["aa"], "a loop is one edge");
    let path = "graph-match (a)-[e*2..2]-(b) project strcat(a.id, b.id, strcat_array(map(e, t), ''))";
    assert_eq!(found("ab cb", path), ["acbb", "cabb"]);
    let undirected =
        "datatable(s: string, t: string) ['a', 'b', 'c', 'b'] | make-graph s -- t with_node_id=id
        | graph-match (x)-[e]->(y) project strcat(x.id, y.id, node_degree_in(y), node_degree_out(y))";
    let mut rows = texts(undirected);
    rows.sort();
    assert_eq!(rows, ["ab22", "ba11", "bc11", "cb22"]);
}

#[test]
fn paths_read_from_left_to_right() {
    let back = "graph-match (c)<-[e*2..2]-(a) where a.id == 'a'
        project strcat(strcat_array(map(e, tostring(n)), ''), strcat_array(map(inner_nodes(e), id), ''))";
    assert_eq!(found("ab bc", back), ["10b"]);
    let forward = back.replace("where a.id == 'a'", "where c.id == 'c'");
    assert_eq!(found("ab bc", &forward), ["10b"], "wherever the search begins");
}

#[test]
fn a_path_of_no_hops_is_a_node() {
    let zero = "graph-match (a)-[e*0..1]->(b) where all(e, n == 7) project strcat(a.id, b.id)";
    assert_eq!(found("ab", zero), ["aa", "bb"]);
    let any = zero.replace("all(", "any(");
    assert_eq!(found("ab", &any), [""; 0]);
}

#[test]
fn conditions_over_several_parts_are_met() {
    let edges = "ab bc cd ad";
    let less =
        "graph-match (a)-[e]->(b)-[f]->(c) where f.n - e.n == 1 and a.id < c.id project strcat(e.n, f.n)";
    assert_eq!(found(edges, less), ["01", "12"]);
    let path =
        "graph-match (a)-[e*1..3]->(b) where a.id == 'a' and b.id == 'd' and array_length(map(e, n)) > 1
        project strcat_array(map(e, tostring(n)), '')";
    assert_eq!(found(edges, path), ["012"]);
    let inner = "graph-match (a)-[e*1..3]->(b) where a.id == 'a' and b.id == 'd' and not(any(inner_nodes(e), id == 'c'))
        project strcat_array(map(e, tostring(n)), '')";
    assert_eq!(found(edges, inner), ["3"]);
    let apart =
        "graph-match (a)-[e]->(b), (c)-[f]->(d) where e.n == 0 and f.n > e.n + 1 project strcat(e.n, f.n)";
    assert_eq!(found(edges, apart), ["02", "03"]);
    let closed =
        "graph-match (a)-[e]->(b)-[f]->(c)-[g]->(d), (a)-[h]->(d) project strcat(e.n, f.n, g.n, h.n)";
    assert_eq!(found(edges, closed), ["0123"]);
}

#[test]
fn nodes_and_edges_are_dropped() {
    let pairs = "graph-match (a)-[e]->(b) project strcat(a.id, b.id)";
    assert_eq!(found("ab bc ca", &format!("graph-where-nodes id != 'b' | {pairs}")), ["ca"]);
    assert_eq!(found("ab bc ca", &format!("graph-where-edges n > 0 | {pairs}")), ["bc", "ca"]);
    let degrees = "graph-where-edges n > 0 | graph-where-nodes node_degree_in() == 1 | graph-to-table nodes";
    assert_eq!(found("ab bc ca", degrees), ["a", "c"]);
}

#[test]
fn components_are_numbered_by_their_first_nodes() {
    let edges = "ab bc ca cd ef";
    let weak = "graph-mark-components | graph-to-table nodes";
    assert_eq!(found(edges, weak), ["a|0", "b|0", "c|0", "d|0", "e|1", "f|1"]);
    let strong = "graph-mark-components kind=strong with_component_id=part | graph-to-table nodes";
    assert_eq!(found(edges, strong), ["a|0", "b|0", "c|0", "d|1", "e|2", "f|3"]);
    let after = "graph-mark-components | graph-where-nodes ComponentId == 1 | graph-to-table nodes";
    assert_eq!(found(edges, after), ["e|1", "f|1"]);
}

#[test]
fn nodes_come_from_their_tables() {
    // Source: Kusto documentation, "graph-to-table operator": a node that only edges name has its id and nothing else.
    let query = "let nodes = datatable(name: string, age: long) ['Alice', 23, 'Bob', 31];
        let more = datatable(who: string, town: string, age: long) ['Bob', 'Rome', 99, 'Eve', 'Oslo', 17];
        datatable(source: string, target: string) ['Alice', 'Mallory']
        | make-graph source --> target with nodes on name, more on who
        | graph-to-table nodes with_node_id=NodeId";
    let expected = [
        "-3122868243544336885|Alice|23||",
        "-7133945255344544237|Bob|31|Bob|Rome",
        "4363395278938690453|Eve|17|Eve|Oslo",
        "3855580634910899594|Mallory|||",
    ];
    assert_eq!(texts(query), expected);
}

#[test]
fn shortest_paths_are_the_shortest_that_are_allowed() {
    let project = "project strcat(a.id, b.id, strcat_array(map(e, tostring(n)), ''))";
    let edges = "ab bc cd ac cd";
    let ends = "where a.id == 'a' and b.id == 'd'";
    let one = format!("graph-shortest-paths (a)-[e*1..5]->(b) {ends} {project}");
    assert_eq!(found(edges, &one), ["ad32"]);
    let all = format!("graph-shortest-paths output=all (a)-[e*1..5]->(b) {ends} {project}");
    assert_eq!(found(edges, &all), ["ad32", "ad34"]);
    let long = format!("graph-shortest-paths (a)-[e*3..5]->(b) {ends} {project}");
    assert_eq!(found(edges, &long), ["ad012"]);
    let around = format!("graph-shortest-paths (a)-[e*1..5]->(b) {ends} and all(e, n != 3) {project}");
    assert_eq!(found(edges, &around), ["ad012"], "what breaks the condition is no path");
    let which = format!("graph-shortest-paths (a)-[e*1..5]->(b) {ends} and any(e, n == 4) {project}");
    assert_eq!(found(edges, &which), ["ad34"]);
    let back = format!("graph-shortest-paths (a)<-[e*1..5]-(b) where b.id == 'a' and a.id == 'd' {project}");
    assert_eq!(found(edges, &back), ["da23"]);
    let pairs = "graph-shortest-paths (a)-[e*1..5]->(b) project strcat(a.id, b.id)";
    assert_eq!(found("ab ba bc", pairs), ["ab", "ac", "ba", "bc"], "a path comes to no node twice");
    let round = format!("graph-shortest-paths (a)-[e*1..5]->(a) {}", project.replace("b.id", "a.id"));
    assert_eq!(found("ab ba bc", &round), ["aa01", "bb10"]);
    let zero = "graph-shortest-paths (a)-[e*0..5]->(b) where a.id == 'a' project b.id";
    assert_eq!(found("ab", zero), ["a", "b"]);
}

/// A complete graph of so many nodes.
fn complete(nodes: usize, rest: &str) -> String {
    format!(
        "range s from 1 to {nodes} step 1 | extend k = 1
        | join kind=inner (range t from 1 to {nodes} step 1 | extend k = 1) on k
        | make-graph s --> t with_node_id=id | {rest}"
    )
}

#[test]
fn an_explosion_meets_the_limit() {
    for rest in [
        "graph-match cycles=all (a)-[e*1..9]->(b) where a.id + b.id == 0 project 1",
        "graph-match (a)-[e*1..9]->(b)-[f*1..9]->(c) where a.id + b.id + c.id == -1 project 1",
        "graph-shortest-paths output=all (a)-[e*7..9]->(b) project 1",
    ] {
        assert_eq!(refusal_within(200_000, &complete(12, rest)), "too-many-rows", "{rest}");
    }
}

#[test]
fn one_shortest_path_is_found_where_there_are_very_many() {
    // Sixty times two ways to the next node.
    let query = "range x from 0 to 118 step 1 | extend f = x / 2, w = x % 2
        | project s = f * 10, t = f * 10 + 1 + w
        | union (range x from 0 to 118 step 1 | project s = x / 2 * 10 + 1 + x % 2, t = (x / 2 + 1) * 10)
        | make-graph s --> t with_node_id=id
        | graph-shortest-paths (a)-[e*1..64]->(b) where a.id == 0 and b.id == 320 project array_length(map(e, s))";
    assert_eq!(texts(query), ["64"]);
}

#[test]
fn the_longest_patterns_fit_the_stack() {
    let several = "-[*64..64]->()".repeat(8);
    assert_eq!(found("aa", &format!("graph-match cycles=all (a){several} project a.id")), ["a"]);
    let single = "-[]->()".repeat(512);
    assert_eq!(found("aa", &format!("graph-match cycles=all (a){single} project a.id")), ["a"]);
}

#[test]
fn patterns_that_are_too_large_are_refused() {
    let long = "-[*1..64]->()".repeat(9);
    let query = graph("aa", &format!("graph-match (a){long} project a.id"));
    assert_eq!(crate::answers::answer(&query).err().unwrap().code, "pattern-size");
}
