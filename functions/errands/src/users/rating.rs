//! Ratings: means of stars, by whole numbers alone.

use serde_json::Number;

/// The mean of `count` ratings that add up to `sum` stars, rounded half-up to two decimals; 0 for
/// none.
#[must_use]
pub fn mean(sum: i64, count: i64) -> Number {
    if count <= 0 {
        return Number::from(0);
    }
    let (sum, count) = (i128::from(sum.max(0)), i128::from(count));
    let hundredths = (200 * sum + count) / (2 * count);
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    let text = match rest {
        0 => whole.to_string(),
        _ => format!("{whole}.{rest:02}").trim_end_matches('0').to_owned(),
    };
    text.parse().unwrap_or(Number::from(0)) // digits and a point are a number
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn means_are_rounded_half_up() {
        for (sum, count, text) in [
            (0, 0, "0"),
            (5, 1, "5"),
            (13, 3, "4.33"),
            (14, 3, "4.67"),
            (9, 2, "4.5"),
            (33, 8, "4.13"),    // 4.125
            (801, 200, "4.01"), // 4.005
            (41, 40, "1.03"),   // 1.025
            (3, -1, "0"),
        ] {
            assert_eq!(mean(sum, count).to_string(), text, "{sum}/{count}");
        }
    }

    proptest! {
        #[test]
        fn a_mean_is_at_most_half_a_hundredth_off(stars in proptest::collection::vec(1_i64..=5, 1..400)) {
            let (sum, count) = (stars.iter().sum(), i64::try_from(stars.len()).unwrap());
            let text = mean(sum, count).to_string();
            let (whole, rest) = text.split_once('.').unwrap_or((&text, "0"));
            prop_assert!(rest.len() <= 2);
            let hundredths = whole.parse::<i64>().unwrap() * 100
                + format!("{rest:0<2}").parse::<i64>().unwrap();
            // -1/2 < shown − exact <= 1/2, times 2·count.
            let off = 2 * count * hundredths - 200 * sum;
            prop_assert!(-count < off && off <= count, "{} {} {}", sum, count, text);
            prop_assert!((100..=500).contains(&hundredths));
        }
    }
}
