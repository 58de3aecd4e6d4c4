//! A program that is nothing but the compiler of cells, for the tests of this crate.

use corebook_build::cargo_shim::CargoShim;

fn main() -> std::process::ExitCode {
    let compiler = CargoShim::of_this_process().expect("started as a tool of a session");
    compiler.run()
}
