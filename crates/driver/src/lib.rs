//! Safe device runtime: contexts, modules, memory, streams, events, compile cache.
