//! Who asks the gate, and may they: tokens, virtual keys, certificates; Cedar policies and grants.
