//! Every case that breaks a naive reading of "this write does not touch that query", on real
//! databases through the whole product. Names cite the rules that `docs/soundness.md` lists.

mod cascades;
mod case;
mod functions;
mod joins;
mod names;
mod objects;
mod session;
mod tables;
mod types;
mod values;
mod writes;
