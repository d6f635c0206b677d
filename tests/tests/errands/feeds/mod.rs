//! Lists of orders: the caller's own, pages without end, validators that the clock ends.

mod keeping;
mod own;
mod pages;
mod totals;
mod validators;
