// RUN: sluice-opt %s --insert-expert-transfers="budget=1536 dynamic" --lower-to-plan | FileCheck %s
// RUN: sluice-opt %s --insert-expert-transfers="budget=1536 dynamic" --split-misses=share=0.5 --lower-to-plan \
// RUN:   --assign-streams --plan-memory --verify-plan | FileCheck %s --check-prefix=SPLIT

// Experts that move: a pool of two slots, an image of each expert in host memory
// (2 * 768 = 1536 bytes), and a source whose ranges keep experts apart though
// they lie side by side in the file: matrices of 256 bytes, 3 * 256 an expert.

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64,
  layers = 1 : i64, max_positions = 300 : i64, max_sequences = 3 : i64, options = "",
  page_tokens = 16 : i64, pages = 57 : i64, pages_per_sequence = 19 : i64, parameters = 7 : i64,
  stop_tokens = array<i64: 3>, top_k = 1 : i64, vocab = 16 : i64}
llm.file @f "f" {bytes = 65536 : i64, header_hash = 42 : i64}
llm.weight @table "embed" in @f at 0 size 256 : tensor<16x8xbf16>
llm.weight @router "router" in @f at 768 size 32 : tensor<2x8xbf16>
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 16 : i64, layer = 0 : i64,
  offsets = array<i64: 1024, 1280, 1536, 1792, 2048, 2304>}

// CHECK: %[[IMAGES:.*]] = plan.buffer "pool.images" in %images[0, 1536] : bf16
// CHECK: %[[POOL:.*]] = plan.expert_pool "pool" in %{{.*}} slots 2 of 768 wave 768 host %[[IMAGES]]
// CHECK: plan.source "experts" from %{{.*}} ranges {{\[\[}}0, 1024, 0, 768], [0, 1792, 768, 768]]
// CHECK: %[[BANK:.*]] = plan.expert_bank "bank" layer 0 in %[[POOL]] from %{{.*}} experts 2 top_k 1 hidden 8 inner 16 parts [0, 128, 256] homes [0, 0] resident []
// Tables: 2 * 2 + 1 + 9 pairs = 14 integers of 4 bytes.
// CHECK: %[[$TABLES:.*]] = plan.buffer "decode.value.tables" in %workspace[{{[0-9]+}}, 56] : i32
// CHECK-LABEL: plan.entry @decode
// CHECK: plan.launch route(%{{.*}}, %[[IDS:.*]], %[[WEIGHTS:.*]])
// CHECK-NEXT: plan.copy %[[IDS]] to %[[HOST:.*]] rows 4 on compute
// CHECK-NEXT: %[[EVENT:.*]] = plan.record on compute
// CHECK-NEXT: plan.demand %{{.*}} part 0 of 1 ids %[[HOST]] after %[[EVENT]]
// CHECK-NEXT: plan.fetch_experts %{{.*}} part 0
// CHECK-NEXT: plan.run_experts %{{.*}} part 0 of 1(%{{.*}}, %{{.*}}, %[[OUT:.*]], %[[$TABLES]], %{{.*}}) portable
// CHECK-NEXT: plan.release %{{.*}} part 0
// CHECK-NEXT: plan.launch expert_combine(%[[OUT]], %[[WEIGHTS]], %{{.*}})

// The rows that the CPU needs come along with the ids; the host's wait orders
// them, so that no event is needed beside the demand's and the logits'.
// SPLIT-LABEL: plan.entry @decode
// SPLIT: plan.copy %{{.*}} to %[[IDS:.*]] rows 4 on compute
// SPLIT-NEXT: plan.copy %{{.*}} to %[[ROWS:.*]] rows 16 on compute
// SPLIT-NEXT: %[[EVENT:.*]] = plan.record on compute
// SPLIT-NEXT: plan.demand %{{.*}} part 0 of 1 ids %[[IDS]] after %[[EVENT]]
// SPLIT-NEXT: plan.split %{{.*}} part 0 share 5.000000e-01
// SPLIT-NEXT: plan.fetch_experts
// SPLIT-NEXT: plan.run_host %{{.*}} part 0(%[[ROWS]], %[[RESULTS:.*]])
// SPLIT-NEXT: plan.run_experts
// SPLIT-NEXT: plan.join %{{.*}} part 0(%[[RESULTS]], %[[STAGED:.*]], %[[SHARES:.*]], %{{.*}})
// SPLIT-NEXT: plan.release
// SPLIT-NEXT: plan.launch expert_combine(%{{.*}}, %{{.*}}, %{{.*}}, %[[STAGED]], %[[SHARES]]) {top_k = 1, hidden = 8, results = 1}
func.func @decode(%tokens: tensor<?xi32> {llm.role = "tokens"})
    -> (tensor<?x16xf32> {llm.role = "logits"})
    attributes {llm.max_rows = 9 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %tokens, @table : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @router : tensor<?x8xbf16> -> tensor<?x2xf32>
  %ids, %weights = llm.route %l : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %y = llm.experts %h, %ids, %weights, @bank : tensor<?x8xbf16>, tensor<?x1xi32>, tensor<?x1xf32>
  %logits = llm.linear %y, @table : tensor<?x8xbf16> -> tensor<?x16xf32>
  return %logits : tensor<?x16xf32>
}
