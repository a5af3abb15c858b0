//! `loa-agent`: see `loa-agent help`.

fn main() -> std::process::ExitCode {
    loa_agent::cli::main()
}
