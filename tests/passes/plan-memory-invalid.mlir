// RUN: sluice-opt %s --split-input-file --plan-memory --verify-diagnostics

// Nobody uses these, so that they are always live: together they are too large.
// expected-error @below {{its buffers take more than 2^62 bytes together}}
%workspace = plan.arena "workspace" device size 4611686018427387904
%a = plan.buffer "a" in %workspace[0, 4611686018427387904] : i32
%b = plan.buffer "b" in %workspace[256, 256] : i32

// -----

%workspace = plan.arena "workspace" device size 9223372036854775807
// expected-error @below {{has more than 2^62 bytes}}
%a = plan.buffer "a" in %workspace[0, 9223372036854775807] : i32
