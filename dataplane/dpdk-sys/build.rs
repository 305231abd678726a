//! Finds libdpdk, generates the bindings and compiles the C part.

use std::env;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use bindgen::Builder;

/// Oldest release whose interface the `dpdk` crate knows.
const OLDEST_DPDK: &str = "22.11";

/// Functions of DPDK that are bound, as anchored regular expressions.
const FUNCTIONS: &[&str] = &[
    "dpdk_(errno|log_to|link_get)",
    // Flow rules.
    "dpdk_drop_(validate|create|query|destroy)",
    // EAL, logs, threads, devices.
    "rte_eal_(init|cleanup|hotplug_add|hotplug_remove|has_hugepages)",
    "rte_(strerror|version|lcore_id|socket_id|socket_count|thread_register|thread_unregister)",
    "rte_log_(get_level|list_types|set_global_level)",
    "rte_rdtsc",
    // Ports.
    "rte_eth_dev_(get_port_by_name|get_name_by_port|is_valid_port|info_get|socket_id|configure)",
    "rte_eth_dev_(adjust_nb_rx_tx_desc|start|stop|close|rss_reta_query|rss_reta_update)",
    "rte_eth_(rx|tx)_(queue_setup|burst)",
    "rte_eth_(promiscuous|allmulticast)_enable",
    "rte_eth_(macaddr_get|stats_get|stats_reset|xstats_get|xstats_get_names|from_rings)",
    // Packet buffers, pools, rings.
    "rte_pktmbuf_(pool_create|alloc|append|free|free_bulk|read|chain)",
    "rte_mbuf_(dynfield|dynflag)_lookup",
    "rte_mbuf_dyn_rx_timestamp_register",
    "rte_mempool_(in_use_count|avail_count|get_bulk)",
    "rte_ring_(create|free|count|sp_enqueue_burst|sc_dequeue_burst)",
];

/// Types that are only ever handled by pointer.
const OPAQUE: &str = "rte_mbuf|rte_mempool|rte_ring|rte_device|rte_memzone|rte_eth_rxtx_callback|rte_flow";

/// Shared libraries that hold those functions. `rte_log` exists since 23.11.
const LIBRARIES: &[&str] =
    &["rte_eal", "rte_ethdev", "rte_mbuf", "rte_mempool", "rte_ring", "rte_net_ring", "rte_log"];

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=csrc");
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            for line in reason.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let dpdk = pkg_config::Config::new()
        .atleast_version(OLDEST_DPDK)
        .cargo_metadata(false)
        .probe("libdpdk")
        .map_err(|error| {
            format!(
                "DPDK {OLDEST_DPDK} or later was not found through pkg-config.\n\
                 Install libdpdk-dev and pkg-config (Debian, Ubuntu) or dpdk-devel (Fedora, RHEL), \
                 or set PKG_CONFIG_PATH to the folder of libdpdk.pc.\n{error}"
            )
        })?;
    let flags = compiler_flags(&dpdk.include_paths)?;
    generate(&out, &flags)?;
    compile(&out, &flags)?;
    for path in &dpdk.link_paths {
        println!("cargo::rustc-link-search=native={}", path.display());
    }
    for library in LIBRARIES {
        // `rte_net_ring` is a driver: it never stands in the package's list of libraries.
        if *library == "rte_net_ring" || dpdk.libs.iter().any(|found| found == library) {
            println!("cargo::rustc-link-lib={library}");
        }
    }
    Ok(())
}

/// The flags DPDK's headers need. The pkg-config crate gives the include folders but
/// leaves out `-include rte_config.h` and `-march`, without which the headers do not
/// compile or disagree with the library about vector code.
fn compiler_flags(include_paths: &[PathBuf]) -> Result<Vec<String>, String> {
    let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
    let output = Command::new(&program)
        .args(["--cflags", "libdpdk"])
        .output()
        .map_err(|error| format!("{program} did not run: {error}"))?;
    let all = String::from_utf8_lossy(&output.stdout);
    let mut flags = vec!["-include".to_owned(), "rte_config.h".to_owned()];
    flags.extend(all.split_whitespace().filter(|flag| flag.starts_with("-march=")).map(str::to_owned));
    flags.extend(include_paths.iter().map(|path| format!("-I{}", path.display())));
    Ok(flags)
}

fn generate(out: &Path, flags: &[String]) -> Result<(), String> {
    let mut builder = Builder::default()
        .header("csrc/bindings.h")
        .clang_args(flags)
        .clang_arg("-DALLOW_EXPERIMENTAL_API")
        .allowlist_var(
            "(DPDK|RTE_MAX|RTE_ETH_NAME|RTE_ETH_XSTATS|RTE_ETH_MQ|RTE_ETH_RETA|RTE_PKTMBUF|RTE_LOG)_.*",
        )
        .allowlist_type("dpdk_mbuf_offset|rte_eth_rx_mq_mode|rte_eth_rss_reta_entry64")
        .opaque_type(OPAQUE)
        .prepend_enum_name(false)
        .derive_default(true)
        .generate_comments(false)
        .use_core()
        .wrap_static_fns(true)
        .wrap_static_fns_path(out.join("static_functions"))
        .parse_callbacks(Box::new(bindgen::CargoCallbacks::new()));
    for pattern in FUNCTIONS {
        builder = builder.allowlist_function(pattern);
    }
    // bindgen panics, instead of returning an error, when it finds no libclang.
    let quiet = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let generated = panic::catch_unwind(panic::AssertUnwindSafe(|| builder.generate()));
    panic::set_hook(quiet);
    let bindings = match generated {
        Ok(Ok(bindings)) => bindings,
        Ok(Err(error)) => {
            let text = error.to_string();
            if text.contains("'stddef.h'") || text.contains("'stdarg.h'") {
                return Err(format!(
                    "libclang is installed, but not the header files that belong to it.\n\
                     Install libclang-common-NN-dev of the same version (Debian, Ubuntu; \
                     libclang-dev brings both) or clang-devel (Fedora, RHEL).\n{text}"
                ));
            }
            return Err(format!("bindgen could not read the headers of DPDK.\n{text}"));
        }
        Err(_) => {
            return Err("libclang was not found, which bindgen needs.\n\
                        Install libclang-dev (Debian, Ubuntu) or clang-devel (Fedora, RHEL), \
                        or set LIBCLANG_PATH to the folder of libclang.so."
                .to_owned());
        }
    };
    bindings
        .write_to_file(out.join("bindings.rs"))
        .map_err(|error| format!("the bindings could not be written: {error}"))
}

fn compile(out: &Path, flags: &[String]) -> Result<(), String> {
    let mut build = cc::Build::new();
    for flag in flags {
        build.flag(flag);
    }
    let here = env::var_os("CARGO_MANIFEST_DIR").ok_or("CARGO_MANIFEST_DIR is not set")?;
    build
        .define("ALLOW_EXPERIMENTAL_API", None)
        // An undeclared function would otherwise only show when a program is linked.
        .flag("-Werror=implicit-function-declaration")
        // The wrappers run once a burst, and hold the bodies of the inline functions.
        .opt_level(3)
        // DPDK's own headers are not free of warnings.
        .warnings(false)
        .include(here)
        .file("csrc/shim.c")
        .file("csrc/flow_rule.c")
        .file(out.join("static_functions.c"))
        .try_compile("baleen_dpdk")
        .map_err(|error| format!("the C part did not compile; build-essential or gcc is needed.\n{error}"))
}
