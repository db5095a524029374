//! The APIs of language models on the wire: routes, texts of bodies and streams, refusals, usage.
