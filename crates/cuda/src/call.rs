//! What surrounds every exported function: panic guard, sticky bookkeeping, trace.

use crate::result::CUresult;
use crate::runtime;
use std::fmt::Arguments;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::Instant;

/// Outcome of a function body: the error is the code to return.
pub(crate) type Outcome = Result<(), CUresult>;

/// Runs the body of an exported function.
///
/// A panic is a defect of ours: it is reported on stderr by the panic hook and becomes
/// `CUDA_ERROR_UNKNOWN`, because unwinding into C is undefined.
pub(crate) fn call(
    name: &str,
    arguments: impl FnOnce() -> String,
    body: impl FnOnce() -> Outcome,
) -> CUresult {
    if !runtime::is_initialised() && needs_initialisation(name) {
        return CUresult::NOT_INITIALIZED;
    }
    let start = tracing_enabled().then(Instant::now);
    let result = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => CUresult::SUCCESS,
        Ok(Err(code)) => code,
        Err(_) => CUresult::UNKNOWN,
    };
    if let Some(start) = start {
        let micros = start.elapsed().as_secs_f64() * 1e6;
        let text = result
            .describe()
            .map_or("?", |(name, _)| name.to_str().unwrap_or("?"));
        message(format_args!(
            "{name}({}) -> {text} [{micros:.1} us]",
            arguments()
        ));
    }
    result
}

/// Whether a function may be called only after `cuInit`. In a process that was forked after that,
/// nothing of the library can be used but these.
fn needs_initialisation(name: &str) -> bool {
    let free = ["cuInit", "cuDriverGetVersion", "cuModuleGetLoadingMode"];
    let families = [
        "cuGetError",
        "cuGetProcAddress",
        "cuGetExportTable",
        "cuLogs",
        "cuProfiler",
    ];
    !free.contains(&name) && !families.iter().any(|family| name.starts_with(family))
}

fn tracing_enabled() -> bool {
    static ENABLED: OnceLock<bool> = OnceLock::new();
    *ENABLED.get_or_init(|| std::env::var_os("WEFT_TRACE").is_some_and(|value| value != "0"))
}

/// Prints a line for the user on stderr, and keeps it for programs that ask for logs.
#[expect(
    clippy::print_stderr,
    reason = "a shared library inside a stranger's process has no other channel"
)]
pub(crate) fn message(text: Arguments<'_>) {
    eprintln!("weft: {text}");
    crate::logs::add(&text.to_string());
}

/// Declares exported functions.
///
/// `fn name, alias...(arg: type, ...) { body }`: the body is an [`Outcome`]; aliases are the
/// names of the same function for the per-thread default stream. Each use also makes
/// `EXPORTS`, the list from which `cuGetProcAddress` answers.
macro_rules! exports {
    ($(
        $(#[$meta:meta])*
        fn $name:ident $(| $alias:ident)* ($($parameters:tt)*) $body:block
    )*) => {
        $(
            $crate::call::exports!(@item [$($alias)*] $(#[$meta])* $name ($($parameters)*) $body);
        )*
        pub(crate) const EXPORTS: &[$crate::proc_address::Export] = &[
            $(
                $crate::proc_address::Export::new(stringify!($name), $name as *const ()),
                $($crate::proc_address::Export::new(stringify!($alias), $alias as *const ()),)*
            )*
        ];
    };
    (@item [$($alias:ident)*] $(#[$meta:meta])* $name:ident $parameters:tt $body:block) => {
        $crate::call::exports!(@function $(#[$meta])* $name $parameters $body);
        $($crate::call::exports!(@alias $alias $name $parameters);)*
    };
    (@function $(#[$meta:meta])* $name:ident ($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C" fn $name($($arg: $ty),*) -> $crate::result::CUresult {
            $crate::call::call(
                stringify!($name),
                || -> String {
                    let all: [String; _] = [$(format!(concat!(stringify!($arg), "={:?}"), $arg)),*];
                    all.join(", ")
                },
                || -> $crate::call::Outcome { $body },
            )
        }
    };
    (@alias $alias:ident $name:ident ($($arg:ident: $ty:ty),* $(,)?)) => {
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C" fn $alias($($arg: $ty),*) -> $crate::result::CUresult {
            let _scope = $crate::runtime::default_stream_scope(stringify!($alias));
            // SAFETY: the alias has the contract of the function it stands for.
            unsafe { $name($($arg),*) }
        }
    };
}
pub(crate) use exports;
