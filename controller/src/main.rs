//! `loa-controller`: see `loa-controller help`.

fn main() -> std::process::ExitCode {
    loa_controller::cli::main()
}
