//! The confidence interval of a ratio: the sign-test interval of paired ratios.
//!
//! It makes no assumption about the distribution of the times, except that a pair is as likely to lie above the true
//! ratio as below it.

/// The probability that an interval is wrong is at most this.
const ERROR: f64 = 0.05;

/// Returns the 95% interval of the median of `ratios`. `None` for fewer than six, which have no such interval.
///
/// The interval runs from the k-th smallest to the k-th largest ratio. Imagine one toss of a fair coin for each
/// ratio: k is the largest number for which fewer than k heads are rare enough.
pub(super) fn sign_test_interval(ratios: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = ratios.to_vec();
    sorted.sort_by(f64::total_cmp);
    let tosses = sorted.len();
    let mut outcome_chance = 0.5_f64.powi(i32::try_from(tosses).ok()?);
    let mut chance_below = 0.0;
    let mut left_out = None;
    // Breaks before half of the tosses: that number of heads is not rare.
    for heads in 0..tosses {
        chance_below += outcome_chance;
        if 2.0 * chance_below > ERROR {
            break;
        }
        left_out = Some(heads);
        outcome_chance *= (tosses - heads) as f64 / (heads + 1) as f64;
    }
    left_out.map(|left_out| (sorted[left_out], sorted[tosses - 1 - left_out]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(ratios: usize) -> Option<usize> {
        let ratios: Vec<f64> = (0..ratios).map(|index| index as f64).collect();
        sign_test_interval(&ratios).map(|(low, high)| {
            assert_eq!(low + high, ratios.len() as f64 - 1.0);
            low as usize
        })
    }

    #[test]
    fn interval_needs_six_pairs() {
        assert_eq!(left_out(0), None);
        assert_eq!(left_out(5), None);
        assert_eq!(left_out(6), Some(0));
    }

    /// The numbers are those of the table of 95% sign-test confidence intervals for a median.
    #[test]
    fn interval_leaves_out_what_the_table_says() {
        for (pairs, expected) in [(8, 0), (9, 1), (11, 1), (12, 2), (15, 3), (20, 5), (25, 7)] {
            assert_eq!(left_out(pairs), Some(expected), "{pairs} pairs");
        }
    }

    #[test]
    fn order_of_the_pairs_does_not_matter() {
        let ratios = [1.2, 0.9, 1.1, 1.0, 1.3, 0.8, 1.05, 0.95, 1.15];
        assert_eq!(sign_test_interval(&ratios), Some((0.9, 1.2)));
    }
}
