//! Thresholds of severity, fitted to graded texts.

use crate::harm::{HIGHEST, MOST_TAKEN};

/// How far the severities from 2 on are apart, so that what a whole text takes from the logit of its worst window lowers
/// its severity by no more than two.
const LEAST_STEP: f32 = MOST_TAKEN * 0.52;

/// The least logits of the severities. That of 2 is where the text is as likely harmful as not. That of 1 splits the
/// graded texts below it with the fewest errors, both sides weighing the same. Those above make the smallest error on what
/// passes, each grade weighing the same, and are [`LEAST_STEP`] apart.
pub(super) fn severities(graded: &[(f32, u8)], likely: f32) -> [f32; HIGHEST] {
    let mut sorted = graded.to_vec();
    sorted.sort_by(|first, second| first.0.total_cmp(&second.0));
    let mut severities = [f32::MAX; HIGHEST];
    let passing: Vec<(f32, u8)> = sorted.iter().filter(|item| item.0 >= likely).copied().collect();
    for (place, least) in severities.iter_mut().skip(2).zip(steps(&passing)) {
        *place = least;
    }
    let [first, second, ..] = &mut severities;
    *first = split(&sorted, 1).min(likely);
    *second = likely;
    let mut least = likely;
    for place in severities.iter_mut().skip(2) {
        *place = place.max(least + LEAST_STEP);
        least = *place;
    }
    severities
}

/// Grades above 2.
const STEPS: usize = 5;

/// The least logits of the severities 3 to 7 of texts that pass, sorted: of all rising steps those with the least sum of
/// distances from the grades, found by trying each end for each step (dynamic programming).
fn steps(sorted: &[(f32, u8)]) -> [f32; STEPS] {
    let mut counts = [0.0_f32; 8];
    for (_, grade) in sorted {
        if let Some(count) = counts.get_mut(usize::from(*grade)) {
            *count += 1.0;
        }
    }
    // What is told of the first items: for each severity the least sum so far, and where each step began.
    let mut best = [(0.0_f32, [f32::MAX; STEPS]); STEPS + 1];
    for (index, item) in best.iter_mut().enumerate() {
        item.1.iter_mut().take(index).for_each(|step| *step = sorted.first().map_or(f32::MAX, |item| item.0));
    }
    for (logit, grade) in sorted {
        let count = counts.get(usize::from(*grade)).copied().unwrap_or(1.0).max(1.0);
        let mut reached = (f32::MAX, [f32::MAX; STEPS]);
        for (severity, place) in (2_u8..).zip(best.iter_mut()) {
            // Either the severity of the item before goes on, or this one begins here.
            let mut begun = reached;
            if let Some(step) = begun.1.get_mut(usize::from(severity.saturating_sub(3))) {
                *step = *logit;
            }
            if severity > 2 && begun.0 < place.0 {
                *place = begun;
            }
            reached = *place;
            place.0 += f32::from(severity.abs_diff(*grade)) / count.sqrt();
        }
    }
    let least = best.iter().min_by(|first, second| first.0.total_cmp(&second.0));
    least.map_or([f32::MAX; STEPS], |item| item.1)
}

#[allow(clippy::cast_precision_loss)] // Some hundred texts.
fn split(sorted: &[(f32, u8)], severity: u8) -> f32 {
    let above = sorted.iter().filter(|item| item.1 >= severity).count();
    let below = sorted.len() - above;
    if above == 0 {
        return f32::MAX;
    }
    // Going up, texts below the severity are gained and those above it are lost.
    let (mut gain, mut best, mut place) = (0.0, 0.0, sorted.first().map_or(0.0, |item| item.0));
    for item in sorted {
        gain += if item.1 >= severity { -1.0 / above as f32 } else { 1.0 / below.max(1) as f32 };
        if gain > best {
            best = gain;
            place = item.0.next_up();
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_follow_grades_and_do_not_fall() {
        let graded: Vec<(f32, u8)> = (0..80_u8).map(|step| (f32::from(step) / 10.0, step / 10)).collect();
        let severities = severities(&graded, 2.0);
        for (severity, least) in (1_u8..).zip(severities) {
            assert!((least - f32::from(severity)).abs() < 0.21, "{severity} {least}");
        }
        assert!(severities.is_sorted());
    }

    #[test]
    fn grades_that_do_not_occur_are_not_told() {
        let graded = [(0.0, 0), (0.5, 1), (3.0, 4), (4.0, 4), (5.0, 6)];
        let severities = severities(&graded, 1.0);
        let told = |logit: f32| severities.iter().take_while(|least| logit >= **least).count();
        assert_eq!([0.0, 0.5, 3.6, 5.6].map(told), [0, 1, 4, 6]);
        assert!(severities.is_sorted());
        assert_eq!(super::severities(&[], 1.0)[1..3], [1.0, f32::MAX]);
    }
}
