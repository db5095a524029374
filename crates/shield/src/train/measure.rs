//! Areas, rates and thresholds.

/// A score and whether the text is positive.
pub type Scored = (f32, bool);

/// The area under the ROC curve: the chance that a positive scores above a negative, ties counting half.
pub fn area_under_roc(scored: &[Scored]) -> f64 {
    let mut sorted: Vec<&Scored> = scored.iter().collect();
    sorted.sort_by(|first, second| first.0.total_cmp(&second.0));
    let (mut below, mut wins, mut positives) = (0.0, 0.0, 0.0);
    for tied in sorted.chunk_by(|first, second| first.0.total_cmp(&second.0).is_eq()) {
        let positive = count(tied.iter().filter(|item| item.1).count());
        let negative = count(tied.len()) - positive;
        wins += positive * (below + negative / 2.0);
        below += negative;
        positives += positive;
    }
    if positives * below == 0.0 { f64::NAN } else { wins / (positives * below) }
}

/// The area under the precision-recall curve (average precision).
pub fn area_under_precision_recall(scored: &[Scored]) -> f64 {
    let mut sorted: Vec<&Scored> = scored.iter().collect();
    sorted.sort_by(|first, second| second.0.total_cmp(&first.0));
    let all = count(scored.iter().filter(|item| item.1).count());
    let (mut seen, mut found, mut area) = (0.0, 0.0, 0.0);
    for tied in sorted.chunk_by(|first, second| first.0.total_cmp(&second.0).is_eq()) {
        let positive = count(tied.iter().filter(|item| item.1).count());
        seen += count(tied.len());
        found += positive;
        area += positive * found / seen;
    }
    if all == 0.0 { f64::NAN } else { area / all }
}

/// The least score such that at most `rate` of the weighted negatives reach it.
pub fn threshold(negatives: &[(f32, f32)], rate: f64) -> f32 {
    let mut sorted: Vec<&(f32, f32)> = negatives.iter().collect();
    sorted.sort_by(|first, second| second.0.total_cmp(&first.0));
    let total: f64 = sorted.iter().map(|item| f64::from(item.1)).sum();
    let mut passed = 0.0;
    for (score, weight) in sorted {
        passed += f64::from(*weight);
        if passed > rate * total {
            return score.next_up();
        }
    }
    f32::MIN
}

/// The part of scores that reach a threshold; not a number when there is none.
pub fn share(scores: impl IntoIterator<Item = f32>, threshold: f32) -> f64 {
    let (mut all, mut reached) = (0.0, 0.0);
    for score in scores {
        all += 1.0;
        reached += f64::from(u8::from(score >= threshold));
    }
    reached / all
}

#[allow(clippy::cast_precision_loss)] // Rows of a corpus, far below 2^53.
fn count(items: usize) -> f64 {
    items as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_of_small_cases() {
        let perfect = [(0.9, true), (0.8, true), (0.1, false)];
        assert_eq!(area_under_roc(&perfect), 1.0);
        assert_eq!(area_under_precision_recall(&perfect), 1.0);
        let blind = [(0.5, true), (0.5, false)];
        assert_eq!(area_under_roc(&blind), 0.5);
        assert_eq!(area_under_precision_recall(&blind), 0.5);
        assert!(area_under_roc(&[(0.5, true)]).is_nan());
    }

    #[test]
    fn a_threshold_lets_no_more_than_its_rate_through() {
        let negatives: Vec<(f32, f32)> = (0..100_u8).map(|score| (f32::from(score), 1.0)).collect();
        let at = threshold(&negatives, 0.05);
        assert_eq!(share(negatives.iter().map(|item| item.0), at), 0.05);
        assert_eq!(threshold(&[], 0.01), f32::MIN);
    }
}
