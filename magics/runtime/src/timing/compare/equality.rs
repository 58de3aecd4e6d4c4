//! Whether two sides compute the same, for values of any types. Measures and prints nothing.
//!
//! A cell must compile even if the values can't be compared. So method resolution makes the choice: the compiler takes
//! the first of the three traits below that fits. `(&&&Pair(..)).results(tol)` tries all three in this order;
//! `(&&Pair(..)).results(0.0)` leaves [`WithinTolerance`] out.

use std::mem::size_of;

/// What is known about the values of two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Results {
    /// They are the same.
    Equal,
    /// They are not the same.
    Differ,
    /// Their types can't be compared, or there are no values to compare.
    NotCompared,
}

/// Converts the result of `==`: true means equal.
impl From<bool> for Results {
    fn from(is_equal: bool) -> Self {
        if is_equal { Self::Equal } else { Self::Differ }
    }
}

/// The first values of two sides.
#[derive(Debug)]
pub struct Pair<'a, A, B>(pub &'a Option<A>, pub &'a Option<B>);

impl<A, B> Pair<'_, A, B> {
    fn judge(&self, is_equal: impl FnOnce(&A, &B) -> bool) -> Results {
        match self {
            // All values of a type without size are the same.
            _ if size_of::<A>() == 0 => Results::NotCompared,
            Pair(Some(one), Some(other)) => Results::from(is_equal(one, other)),
            _ => Results::NotCompared,
        }
    }
}

/// First choice: numbers, and collections of them, may differ a little.
pub trait WithinTolerance {
    /// Compares numbers pair by pair. They are equal if they differ by at most `tolerance` times the larger one or, for
    /// numbers below 1, by at most `tolerance`.
    fn results(&self, tolerance: f64) -> Results;
}

impl<A: Approximate<B>, B> WithinTolerance for &&Pair<'_, A, B> {
    fn results(&self, tolerance: f64) -> Results {
        self.judge(|one, other| one.is_near(other, tolerance))
    }
}

/// Second choice: `==`.
pub trait ByEquality {
    /// Compares the values. `tolerance` is ignored.
    fn results(&self, tolerance: f64) -> Results;
}

impl<A: PartialEq<B>, B> ByEquality for &Pair<'_, A, B> {
    fn results(&self, _tolerance: f64) -> Results {
        self.judge(|one, other| one == other)
    }
}

/// Last choice: the values can't be compared.
pub trait NotComparable {
    /// Returns [`Results::NotCompared`].
    fn results(&self, tolerance: f64) -> Results;
}

impl<A, B> NotComparable for Pair<'_, A, B> {
    fn results(&self, _tolerance: f64) -> Results {
        Results::NotCompared
    }
}

/// Values that can be compared with a tolerance.
pub trait Approximate<Other: ?Sized = Self> {
    /// Returns whether both differ by at most `tolerance`; see [`WithinTolerance::results`].
    fn is_near(&self, other: &Other, tolerance: f64) -> bool;
}

macro_rules! approximate_floats {
    ($($float:ty),*) => {$(
        impl Approximate for $float {
            fn is_near(&self, other: &Self, tolerance: f64) -> bool {
                let (one, other) = (f64::from(*self), f64::from(*other));
                let is_same = one == other || one.is_nan() && other.is_nan();
                let largest = one.abs().max(other.abs()).max(1.0);
                is_same || (one - other).abs() <= tolerance * largest && largest.is_finite()
            }
        }
    )*};
}
approximate_floats!(f32, f64);

macro_rules! approximate_exactly {
    ($($exact:ty),*) => {$(
        impl Approximate for $exact {
            fn is_near(&self, other: &Self, _tolerance: f64) -> bool {
                self == other
            }
        }
    )*};
}
approximate_exactly!(
    bool, char, str, String, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize
);

impl<A: Approximate<B> + ?Sized, B: ?Sized> Approximate<&B> for &A {
    fn is_near(&self, other: &&B, tolerance: f64) -> bool {
        (**self).is_near(*other, tolerance)
    }
}

impl<A: Approximate<B>, B> Approximate<[B]> for [A] {
    fn is_near(&self, other: &[B], tolerance: f64) -> bool {
        let mut pairs = self.iter().zip(other);
        self.len() == other.len() && pairs.all(|(one, other)| one.is_near(other, tolerance))
    }
}

impl<A: Approximate<B>, B> Approximate<Vec<B>> for Vec<A> {
    fn is_near(&self, other: &Vec<B>, tolerance: f64) -> bool {
        self.as_slice().is_near(other.as_slice(), tolerance)
    }
}

impl<A: Approximate<B>, B, const LEN: usize> Approximate<[B; LEN]> for [A; LEN] {
    fn is_near(&self, other: &[B; LEN], tolerance: f64) -> bool {
        self.as_slice().is_near(other.as_slice(), tolerance)
    }
}

impl<A: Approximate<B>, B> Approximate<Option<B>> for Option<A> {
    fn is_near(&self, other: &Option<B>, tolerance: f64) -> bool {
        match (self, other) {
            (Some(one), Some(other)) => one.is_near(other, tolerance),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

macro_rules! approximate_tuples {
    ($(($($one:ident $other:ident $field:tt),+)),+) => {$(
        impl<$($one: Approximate<$other>, $other),+> Approximate<($($other,)+)> for ($($one,)+) {
            fn is_near(&self, other: &($($other,)+), tolerance: f64) -> bool {
                $(self.$field.is_near(&other.$field, tolerance))&&+
            }
        }
    )+};
}
approximate_tuples!(
    (A1 B1 0, A2 B2 1),
    (A1 B1 0, A2 B2 1, A3 B3 2),
    (A1 B1 0, A2 B2 1, A3 B3 2, A4 B4 3)
);

#[cfg(test)]
mod tests {
    use super::*;

    struct Opaque;

    macro_rules! results {
        ($one:expr, $other:expr) => {
            (&&Pair(&Some($one), &Some($other))).results(0.0)
        };
        ($one:expr, $other:expr, $tolerance:expr) => {
            (&&&Pair(&Some($one), &Some($other))).results($tolerance)
        };
    }

    #[test]
    fn equal_values_are_equal_across_types() {
        assert_eq!(results!(vec![1, 2], vec![1, 2]), Results::Equal);
        assert_eq!(results!(vec![1, 2], [1, 2]), Results::Equal);
        assert_eq!(results!("a".to_owned(), "a"), Results::Equal);
        assert_eq!(results!(0.1 + 0.2, 0.3), Results::Differ);
    }

    #[test]
    fn what_has_no_equality_is_not_compared() {
        assert_eq!(results!(Opaque, Opaque), Results::NotCompared);
        assert_eq!(results!(vec![Opaque], vec![Opaque]), Results::NotCompared);
        assert_eq!(results!(1, "1"), Results::NotCompared);
        assert_eq!(results!((), ()), Results::NotCompared);
        assert_eq!(results!(Opaque, 1, 0.1), Results::NotCompared);
    }

    #[test]
    fn floats_may_differ_by_the_tolerance() {
        assert_eq!(results!(0.1 + 0.2, 0.3, 1e-9), Results::Equal);
        assert_eq!(results!(1000.0, 1000.9, 1e-3), Results::Equal);
        assert_eq!(results!(1000.0, 1001.9, 1e-3), Results::Differ);
        assert_eq!(
            results!(vec![(1.0, 2)], vec![(1.0 + 1e-12, 2)], 1e-9),
            Results::Equal
        );
        assert_eq!(
            results!(vec![(1.0, 2)], vec![(1.0, 3)], 1e-9),
            Results::Differ
        );
        assert_eq!(results!(vec![1.0], vec![1.0, 1.0], 1e-9), Results::Differ);
        assert_eq!(results!(f64::NAN, f64::NAN, 1e-9), Results::Equal);
        assert_eq!(results!(f64::INFINITY, 1.0, 1e-9), Results::Differ);
        assert_eq!(results!(Some(1.0_f32), None::<f32>, 1e-9), Results::Differ);
        assert_eq!(results!(Some(0.1 + 0.2), Some(0.3), 1e-9), Results::Equal);
        assert_eq!(results!(Some(0.1), Some(0.2), 1e-9), Results::Differ);
        assert_eq!(results!(None::<f32>, None::<f32>, 1e-9), Results::Equal);
        // A type that has only equality.
        let set = |item: i32| std::collections::BTreeSet::from([item]);
        assert_eq!(results!(set(1), set(1), 1e-9), Results::Equal);
    }
}
