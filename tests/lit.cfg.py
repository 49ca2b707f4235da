"""Lit configuration of tests/dialects, tests/passes and tests/pipeline."""

import os

import lit.formats

# `config` is handed in by lit; the settings come from lit.site.cfg.py.
config.name = "sluice"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["bench", "e2e", "fuzz", "kernels", "runtime", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.sluice_test_exec_root

path = [config.sluice_bin_dir, config.llvm_tools_dir, config.environment.get("PATH", "")]
config.environment["PATH"] = os.pathsep.join(path)
# Variables that begin with a letter end at the next LABEL: no accidental matches.
config.environment["FILECHECK_OPTS"] = "-enable-var-scope --allow-unused-prefixes=false"
# Sanitizer options of the caller reach the tools.
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

config.substitutions.append(("%source", config.sluice_source_dir))
config.substitutions.append(("%python", config.python))
