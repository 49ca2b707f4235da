// RUN: sluice-opt %s --split-input-file --lower-to-plan --verify-diagnostics | FileCheck %s

// Pinned experts: one source a layer, whose ranges scatter the matrices of each
// expert into its slot; the slot table is a constant.

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64,
  layers = 1 : i64, max_positions = 300 : i64, max_sequences = 3 : i64, options = "--batch 3",
  page_tokens = 16 : i64, pages = 57 : i64, pages_per_sequence = 19 : i64, parameters = 7 : i64,
  stop_tokens = array<i64: 3>, top_k = 1 : i64, vocab = 16 : i64}
llm.file @f "f" {bytes = 65536 : i64, header_hash = 42 : i64}
llm.file @g "g" {bytes = 65536 : i64, header_hash = 43 : i64}
llm.weight @table "embed" in @f at 0 size 256 : tensor<16x8xbf16>
llm.weight @norm "norm" in @f at 256 size 16 : tensor<8xbf16>
llm.weight @head_norm "head_norm" in @f at 272 size 8 : tensor<4xbf16>
llm.weight @square "square" in @f at 512 size 128 : tensor<8x8xbf16>
llm.weight @narrow "narrow" in @f at 640 size 64 : tensor<4x8xbf16>
llm.weight @bias "bias" in @f at 704 size 16 : tensor<8xbf16>
llm.weight @router "router" in @f at 768 size 32 : tensor<2x8xbf16>
llm.rope_table @rope {inverse_frequencies = array<f32: 1.0, 0.1>, positions = 300 : i64, scale = 1.0 : f32}
llm.kv_cache @kv {layer = 0 : i64} : tensor<57x16x1x4xbf16>

llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 1, 0, 0, 0>, files = [@f, @g],
  hidden = 8 : i64, inner = 16 : i64, layer = 0 : i64,
  offsets = array<i64: 1024, 1280, 64, 4096, 5120, 6144>}
expert.pool @pool {budget = 2304 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 3 : i64}

// A matrix has 8 * 16 bf16 = 256 bytes. Gate and up of expert 0 lie side by side
// in the file and in the slot: one range of 512. Slots start at 1 * 768 and 2 * 768.
// CHECK: %pool = plan.buffer "pool" in %experts[0, 2304] : bf16
// CHECK: %experts_{{[0-9]+}} = plan.source "experts" from %{{.*}}, %{{.*}} ranges
// CHECK-SAME: {{\[\[}}0, 1024, 768, 512], [1, 64, 1280, 256], [0, 4096, 1536, 256], [0, 5120, 1792, 256], [0, 6144, 2048, 256]]
// CHECK: %bank.slots = plan.buffer "bank.slots" in %tables[0, 8] : i32
// CHECK-NEXT: plan.constant %bank.slots = [1, 2]
// CHECK-LABEL: plan.entry @load
// CHECK-NEXT: plan.fetch %experts_{{[0-9]+}} into %pool on compute
func.func @load() {
  %set = expert.all : !expert.set<@bank>
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  expert.pin %slots at 1 : !expert.slots<@bank>
  return
}

// A slot has 768 / 2 = 384 elements; up starts at element 128, down at 256.
// CHECK-LABEL: plan.entry @decode
// CHECK: plan.launch route(%{{.*}}, %[[IDS:.*]], %[[WEIGHTS:.*]])
// CHECK-NEXT: plan.launch expert_demand(%[[IDS]], %[[OFFSETS:.*]], %[[ORDER:.*]]) {experts = 2, top_k = 1} rows portable
// CHECK-NEXT: plan.launch expert_gate_up(%[[H:.*]], %[[OFFSETS]], %[[ORDER]], %bank.slots, %pool, %[[INNER:.*]])
// CHECK-SAME: {experts = 2, top_k = 1, hidden = 8, inner = 16, slots = 3, slot_elements = 384, gate_offset = 0, up_offset = 128} rows portable
// CHECK-NEXT: plan.launch expert_down(%[[INNER]], %[[OFFSETS]], %[[ORDER]], %bank.slots, %pool, %[[OUT:.*]])
// CHECK-SAME: slot_elements = 384, down_offset = 256} rows portable
// CHECK-NEXT: plan.launch expert_combine(%[[OUT]], %[[WEIGHTS]], %{{[a-z0-9._]+}}, none, none) {top_k = 1, hidden = 8, results = 0} rows portable
// Wide linear layers use the tensor cores in decode too, experts never do.
// CHECK-NEXT: plan.launch linear{{.*}} rows tensor
// CHECK-LABEL: plan.entry @prefill
// CHECK: plan.launch expert_gate_up{{.*}} rows tensor
// CHECK: plan.launch expert_down{{.*}} rows tensor
func.func @decode(%tokens: tensor<?xi32> {llm.role = "tokens"})
    -> (tensor<?x8xf32> {llm.role = "logits"})
    attributes {llm.max_rows = 9 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %tokens, @table : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @router : tensor<?x8xbf16> -> tensor<?x2xf32>
  %ids, %weights = llm.route %l : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %set = expert.demand %ids : tensor<?x1xi32> -> !expert.set<@bank>
  %slots = expert.resident : !expert.slots<@bank>
  %outputs = expert.run %h, %set, %slots
      : tensor<?x8xbf16>, !expert.set<@bank>, !expert.slots<@bank> -> !expert.outputs<@bank>
  %y = expert.combine %weights, %outputs : tensor<?x1xf32>, !expert.outputs<@bank> -> tensor<?x8xbf16>
  %logits = llm.linear %y, @square : tensor<?x8xbf16> -> tensor<?x8xf32>
  return %logits : tensor<?x8xf32>
}
func.func @prefill(%tokens: tensor<?xi32> {llm.role = "tokens"})
    -> (tensor<?x8xf32> {llm.role = "logits"})
    attributes {llm.max_rows = 9 : i64, llm.max_logit_rows = 1 : i64} {
  %h = llm.embed %tokens, @table : tensor<?xi32> -> tensor<?x8xbf16>
  %l = llm.linear %h, @router : tensor<?x8xbf16> -> tensor<?x2xf32>
  %ids, %weights = llm.route %l : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %set = expert.demand %ids : tensor<?x1xi32> -> !expert.set<@bank>
  %slots = expert.resident : !expert.slots<@bank>
  %outputs = expert.run %h, %set, %slots
      : tensor<?x8xbf16>, !expert.set<@bank>, !expert.slots<@bank> -> !expert.outputs<@bank>
  %y = expert.combine %weights, %outputs : tensor<?x1xf32>, !expert.outputs<@bank> -> tensor<?x8xbf16>
  %logits = llm.linear %y, @square : tensor<?x8xbf16> -> tensor<?x8xf32>
  return %logits : tensor<?x8xf32>
}

// -----

// No step fetches a whole layer.

llm.model "m" {
  activations = bf16, architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64,
  layers = 1 : i64, max_positions = 300 : i64, max_sequences = 3 : i64, options = "--batch 3",
  page_tokens = 16 : i64, pages = 57 : i64, pages_per_sequence = 19 : i64, parameters = 7 : i64,
  stop_tokens = array<i64: 3>, top_k = 1 : i64, vocab = 16 : i64}
llm.file @f "f" {bytes = 65536 : i64, header_hash = 42 : i64}
llm.file @g "g" {bytes = 65536 : i64, header_hash = 43 : i64}
llm.weight @table "embed" in @f at 0 size 256 : tensor<16x8xbf16>
llm.weight @norm "norm" in @f at 256 size 16 : tensor<8xbf16>
llm.weight @head_norm "head_norm" in @f at 272 size 8 : tensor<4xbf16>
llm.weight @square "square" in @f at 512 size 128 : tensor<8x8xbf16>
llm.weight @narrow "narrow" in @f at 640 size 64 : tensor<4x8xbf16>
llm.weight @bias "bias" in @f at 704 size 16 : tensor<8xbf16>
llm.weight @router "router" in @f at 768 size 32 : tensor<2x8xbf16>
llm.rope_table @rope {inverse_frequencies = array<f32: 1.0, 0.1>, positions = 300 : i64, scale = 1.0 : f32}
llm.kv_cache @kv {layer = 0 : i64} : tensor<57x16x1x4xbf16>

llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 16 : i64, layer = 0 : i64,
  offsets = array<i64: 1024, 1280, 64, 4096, 5120, 6144>}
expert.pool @pool {budget = 2304 : i64, dtype = bf16, slot_bytes = 768 : i64, slots = 3 : i64}
func.func @decode(%ids: tensor<?x1xi32> {llm.role = "tokens"})
    attributes {llm.max_rows = 9 : i64, llm.max_logit_rows = 1 : i64} {
  // expected-error @below {{has no kernel to be lowered to}}
  %set = expert.all : !expert.set<@bank>
  %ticket = expert.fetch %set into @pool : !expert.set<@bank> -> !expert.ticket<@bank>
  %slots = expert.await %ticket : !expert.ticket<@bank> -> !expert.slots<@bank>
  expert.release %slots : !expert.slots<@bank>
  return
}

// -----

// expected-error @below {{needs one llm.model}}
module {
}
