//! Functional model of the Weft chip: harts, cores, memory, execution engine.
