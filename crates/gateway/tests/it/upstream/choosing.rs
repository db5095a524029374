//! Which member is asked: weights, priorities, breakers, budgets.

use std::time::Duration;

use castellan_gateway::stub::{Options, Stub};
use castellan_gateway::upstream::Standing;

use crate::support::{chat, content, document, one, raw, scripted, stub, until, upstreams, whole};

fn members(stubs: &[(&Stub, &str)], more: &str) -> String {
    let members: Vec<String> =
        stubs.iter().map(|(stub, more)| format!("{{ url = \"{}/v1\", {more} }}", stub.url())).collect();
    format!("{more}\nmodels.m.members = [{}]", members.join(", "))
}

#[tokio::test]
async fn weights_are_kept() {
    let (one, two, none) =
        (stub(Options::fixed()).await, stub(Options::fixed()).await, stub(Options::fixed()).await);
    let upstreams =
        upstreams(&members(&[(&one, "weight = 3"), (&two, "weight = 1"), (&none, "weight = 0")], ""));
    for _ in 0..2_000 {
        whole(upstreams.send(chat("hi")).await.unwrap()).await;
    }
    // 1500 expected; five standard deviations of a binomial distribution are 97.
    assert!((1_403..=1_597).contains(&one.requests()), "{}", one.requests());
    assert_eq!(one.requests() + two.requests(), 2_000);
    assert_eq!(none.requests(), 0);
}

#[tokio::test]
async fn a_lower_priority_is_asked_only_when_no_higher_can_be() {
    let first = scripted("rules: [{ times: 3, text: first }, { status: 503 }]").await;
    let second = scripted("rules: [{ text: second }]").await;
    let config = members(&[(&second, "priority = 1"), (&first, "priority = 0")], "breaker.failures = 2");
    let upstreams = upstreams(&config);
    for _ in 0..3 {
        assert_eq!(content(&document(upstreams.send(chat("hi")).await.unwrap()).await), "first");
    }
    assert_eq!(second.requests(), 0);
    for _ in 0..20 {
        let answer = upstreams.send(chat("hi")).await.unwrap();
        assert_eq!(content(&document(answer).await), "second");
    }
    // After the failures outweigh the successes it is left alone.
    assert!(first.requests() <= 7, "{}", first.requests());
    assert_eq!(upstreams.standing("m")[0].1, Standing::Open);
}

#[tokio::test]
async fn a_flapping_member_is_tried_from_time_to_time_and_comes_back() {
    let flapping = scripted("rules: [{ times: 4, status: 500 }, { text: back }]").await;
    let steady = scripted("rules: [{ text: steady }]").await;
    let config =
        members(&[(&flapping, ""), (&steady, "priority = 1")], "breaker = { failures = 3, open_ms = 50 }");
    let upstreams = upstreams(&config);
    let mut answers = Vec::new();
    for _ in 0..60 {
        let answer = upstreams.send(chat("hi")).await.unwrap();
        assert_eq!(answer.status.as_u16(), 200);
        answers.push(content(&document(answer).await).to_owned());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(answers.first().unwrap(), "steady");
    assert_eq!(answers.last().unwrap(), "back");
    // Three failures open it, one trial fails, the next succeeds.
    let before = answers.iter().filter(|answer| *answer == "steady").count();
    assert_eq!(flapping.requests(), 4 + (60 - u64::try_from(before).unwrap()));
}

#[tokio::test]
async fn a_member_that_asks_for_rest_gets_it_and_others_are_asked() {
    let tired = scripted("rules: [{ times: 1, status: 429, retry_after: 1 }, { text: tired }]").await;
    let other = scripted("rules: [{ text: other }]").await;
    let upstreams = upstreams(&members(&[(&tired, ""), (&other, "priority = 1")], ""));
    let ask = async || content(&document(upstreams.send(chat("hi")).await.unwrap()).await).to_owned();
    assert_eq!(ask().await, "other");
    assert_eq!(upstreams.standing("m")[0].1, Standing::Resting);
    assert_eq!(ask().await, "other");
    assert_eq!(tired.requests(), 1);
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert_eq!(ask().await, "tired");
}

#[tokio::test]
async fn retries_are_bounded_by_the_budget() {
    let broken = scripted("rules: [{ status: 500 }]").await;
    let more =
        "retry = { ratio = 0.1, per_second = 0.0, burst = 5.0, wait_ms = 1 }\nbreaker.failures = 1000000";
    let upstreams = one(&broken, more);
    for _ in 0..200 {
        assert_eq!(upstreams.send(chat("hi")).await.unwrap().status.as_u16(), 500);
    }
    // 200 requests allow 5 + 20 retries, and no more.
    assert!((220..=225).contains(&broken.requests()), "{}", broken.requests());
}

#[tokio::test]
async fn probes_take_a_dead_member_out_and_bring_it_back() {
    let alive = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&alive);
    let address = raw(move |_| {
        let status = if seen.load(std::sync::atomic::Ordering::Relaxed) { "200 OK" } else { "500 No" };
        format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}")
    })
    .await;
    let upstreams = upstreams(&format!(
        "probe = {{ every_ms = 20, failures = 2 }}\nmodels.m.members = [{{ url = \"http://{address}/v1\" }}]"
    ));
    let probing = tokio::spawn({
        let upstreams = upstreams.clone();
        async move { upstreams.probe().await }
    });
    until(|| upstreams.standing("m")[0].1 == Standing::Down).await;
    assert_eq!(upstreams.send(chat("hi")).await.unwrap_err().kind(), "unavailable");
    alive.store(true, std::sync::atomic::Ordering::Relaxed);
    until(|| upstreams.standing("m")[0].1 == Standing::Closed).await;
    assert_eq!(upstreams.send(chat("hi")).await.unwrap().status.as_u16(), 200);
    probing.abort();
}

#[tokio::test]
async fn one_alias_can_serve_every_other() {
    let stub = stub(Options::default().recording(1)).await;
    let upstreams = upstreams(&format!("models.\"*\".members = [{{ url = \"{}/v1\" }}]", stub.url()));
    let answer = upstreams.send(chat("hi")).await.unwrap();
    assert_eq!(&*answer.member, "*/0");
    assert!(String::from_utf8_lossy(&stub.seen()[0].body).contains(r#""model":"m""#));
    assert!(upstreams.aliases().is_empty());
}
