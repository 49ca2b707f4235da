// RUN: sluice-opt %s | sluice-opt | FileCheck %s
// RUN: sluice-opt %s --mlir-print-op-generic | sluice-opt | FileCheck %s

// Ops on experts that move, printed and read again.

%device = plan.arena "device" device size 16384
%memory = plan.arena "memory" host size 16384
%f = plan.file "f" size 65536 hash 0
%slots = plan.buffer "slots" in %device[0, 1536] : bf16
%images = plan.buffer "images" in %memory[0, 1536] : bf16
%ring = plan.buffer "ring" in %memory[1536, 1536] : bf16
%source = plan.source "a" from %f ranges [[0, 0, 0, 192], [0, 192, 768, 192]]
%in = plan.buffer "in" in %device[1536, 256] : f32
%inner = plan.buffer "inner" in %device[1792, 256] : f32
%outputs = plan.buffer "outputs" in %device[2048, 256] : f32
%tables = plan.buffer "tables" in %device[2304, 256] : i32
%staged = plan.buffer "staged" in %device[2560, 256] : f32
%shares = plan.buffer "shares" in %device[2816, 256] : i32
%ids = plan.buffer "ids" in %memory[3072, 256] : i32
%rows = plan.buffer "rows" in %memory[3328, 256] : f32
%results = plan.buffer "results" in %memory[3584, 256] : f32
%tables_host = plan.buffer "tables_host" in %memory[3840, 256] : i32
%shares_host = plan.buffer "shares_host" in %memory[4096, 256] : i32
// CHECK: %pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring disk_cost 2.000000e+01
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring disk_cost 20.0
// CHECK: %[[$A:.*]] = plan.expert_bank "a" layer 0 in %pool from %{{.*}} experts 2 top_k 1 hidden 8 inner 4 parts [0, 128, 256] homes [0, 1] resident [1] popularity [2.500000e-01, 7.500000e-01] missed [5.000000e-01, 0.000000e+00]
// CHECK: %[[$B:.*]] = plan.expert_bank "b" layer 1 {{.*}} successors [1, 0, 1, 0] each 2
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75] missed [0.5, 0.0]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
// CHECK: plan.policy 3 mode "split" step_ms 1.250000e+01
plan.policy 3 mode "split" step_ms 12.5

// CHECK-LABEL: plan.entry @decode
plan.entry @decode rows 2 logit_rows 2 {
  // CHECK: plan.graph_begin 0
  plan.graph_begin 0
  plan.launch add(%in, %in, %staged) {hidden = 8} rows portable on compute
  plan.copy %in to %rows rows 32 on compute
  // CHECK: plan.graph_end 0
  plan.graph_end 0
  %event = plan.record on compute
  // CHECK: plan.demand %[[$A]] part 0 of 1 ids %ids after %{{.*}}
  plan.demand %a part 0 of 1 ids %ids after %event
  // CHECK: plan.split %[[$A]] part 0 share 5.000000e-01
  plan.split %a part 0 share 0.5
  // CHECK: plan.fetch_experts %[[$A]] part 0
  plan.fetch_experts %a part 0
  // CHECK: plan.run_host %[[$A]] part 0(%rows, %results)
  plan.run_host %a part 0 (%rows, %results)
  // CHECK: plan.run_experts %[[$A]] part 0 of 1(%in, %inner, %outputs, %tables, %tables_host) portable
  plan.run_experts %a part 0 of 1 (%in, %inner, %outputs, %tables, %tables_host) portable
  // CHECK: plan.prefetch %[[$B]] from %[[$A]] limit 2
  plan.prefetch %b from %a limit 2
  // CHECK: plan.join %[[$A]] part 0(%results, %staged, %shares, %shares_host)
  plan.join %a part 0 (%results, %staged, %shares, %shares_host)
  // CHECK: plan.release %[[$A]] part 0{{$}}
  plan.release %a part 0
  // CHECK: plan.prefetch %[[$B]] limit 1
  plan.prefetch %b limit 1
  // CHECK: plan.demand %[[$B]] part 1 of 2 ids %ids after %{{.*}} all
  plan.demand %b part 1 of 2 ids %ids after %event all
  // CHECK: plan.release %[[$B]] part 1 forget
  plan.release %b part 1 forget
}
