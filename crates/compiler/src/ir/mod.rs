//! IR (under construction).
