//! Stands for your crate. It needs nothing of Trial: only tests and examples do.
