// RUN: sluice-opt %s --lower-to-plan | FileCheck %s
// RUN: sluice-opt %s --lower-to-plan --verify-plan -o /dev/null
// RUN: sluice-opt %s --lower-to-plan --assign-streams --plan-memory --verify-plan -o /dev/null
// RUN: sluice-opt %s --lower-to-plan=portable -o - | FileCheck %s --check-prefix=PORTABLE
// RUN: sluice-opt %s --lower-to-plan -o /dev/null --remarks-filter=lower-to-plan 2>&1 | FileCheck %s --check-prefix=COUNT

// Every op of the llm dialect, fused or not, has a kernel.
// COUNT: banks=0, entries=2, launches=28

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
llm.weight @wide_norm "wide_norm" in @f at 1024 size 32 : tensor<8xf32>
llm.rope_table @rope {inverse_frequencies = array<f32: 1.0, 0.1>, positions = 300 : i64, scale = 1.0 : f32}
llm.kv_cache @kv {layer = 0 : i64} : tensor<57x16x1x4xbf16>

// CHECK: plan.model "m" {architecture = "A", directory = "/m"
// CHECK: %weights = plan.arena "weights" device size
// CHECK: plan.memory "dense weights" device size
// CHECK: %kv = plan.arena "kv" device size 14848
// 57 pages of 16 tokens, 1 head of 4 bf16: 7296 bytes a pool, the second at the
// next multiple of 256, 7424; 7424 + 7296 = 14720 = 57.5 * 256, rounded up.
// PORTABLE-NOT: tensor

// The plain ops, in an entry of 3 rows.
// CHECK-LABEL: plan.entry @load rows 0 logit_rows 0 {
// CHECK-NEXT: plan.fetch %embed{{.*}} into %embed{{.*}} on compute
func.func @decode(
    %tokens: tensor<?xi32> {llm.role = "tokens"}, %positions: tensor<?xi32> {llm.role = "positions"},
    %sequences: tensor<?xi32> {llm.role = "sequences"}, %pages: tensor<3x19xi32> {llm.role = "page_table"},
    %rows: tensor<?xi32> {llm.role = "logit_rows"}) -> (tensor<?x16xf32> {llm.role = "logits"},
        tensor<?x1xi32> {llm.role = "expert_ids", llm.layer = 0 : i64})
    attributes {llm.max_rows = 3 : i64, llm.max_logit_rows = 3 : i64} {
  // CHECK-LABEL: plan.entry @decode rows 3 logit_rows 3 {
  // CHECK-NEXT: plan.input tokens %[[HOST:.*]]
  // CHECK-NEXT: plan.copy %[[HOST]] to %[[TOKENS:.*]] rows 4 on compute
  // CHECK: plan.input page_table %[[PAGES_HOST:.*]]
  // 3 * 19 pages of 4 bytes.
  // CHECK-NEXT: plan.copy %[[PAGES_HOST]] to %[[PAGES:.*]] fixed 228 on compute
  // CHECK-NEXT: plan.input logit_rows %[[ROWS_HOST:.*]]
  // CHECK-NEXT: plan.copy %[[ROWS_HOST]] to %[[ROWS:.*]] logit_rows 4 on compute
  // CHECK-NEXT: plan.launch embed(%[[TOKENS]], %[[TABLE:.*]], %[[H:.*]]) {vocab = 16, hidden = 8} rows portable on compute
  %h = llm.embed %tokens, @table : tensor<?xi32> -> tensor<?x8xbf16>
  // CHECK-NEXT: plan.launch rms_norm(%[[H]], %norm, %[[N:.*]]) {groups = 1, width = 8, eps = 5.000000e-01} rows
  %n = llm.rms_norm %h, @norm {eps = 0.5 : f32} : tensor<?x8xbf16>
  // CHECK-NEXT: plan.launch linear(%[[N]], %square, %bias, %[[Q:.*]]) {inputs = 8, outputs = 8} rows portable
  %q = llm.linear %n, @square bias @bias : tensor<?x8xbf16> -> tensor<?x8xbf16>
  // CHECK-NEXT: plan.launch linear(%[[N]], %narrow, none, %[[K:.*]]) {inputs = 8, outputs = 4} rows portable
  %k = llm.linear %n, @narrow : tensor<?x8xbf16> -> tensor<?x4xbf16>
  // Two heads of four: two groups, one norm weight.
  // CHECK-NEXT: plan.launch rms_norm(%[[Q]], %head_norm, %[[QN:.*]]) {groups = 2, width = 4, eps = 5.000000e-01}
  %qn = llm.rms_norm %q, @head_norm {eps = 0.5 : f32} : tensor<?x8xbf16>
  // CHECK-NEXT: plan.launch rope(%[[QN]], %[[POSITIONS:.*]], %rope.cos, %rope.sin, %[[QR:.*]]) {heads = 2, head_dim = 4, positions = 300}
  %qr = llm.rope %qn, %positions, @rope : tensor<?x8xbf16>, tensor<?xi32>
  // CHECK-NEXT: plan.launch kv_write(%[[K]], %[[K]], %[[POSITIONS]], %[[SEQUENCES:.*]], %[[PAGES]], %kv.k, %kv.v)
  // CHECK-SAME: {kv_heads = 1, head_dim = 4, pages = 57, page_tokens = 16, sequences = 3, pages_per_sequence = 19}
  llm.kv_write %k, %k, %positions, %sequences, %pages, @kv
      : tensor<?x4xbf16>, tensor<?xi32>, tensor<3x19xi32>
  // Few rows split their context: 300 positions make two splits.
  // CHECK-NEXT: plan.launch attention(%[[QR]], %kv.k, %kv.v, %[[POSITIONS]], %[[SEQUENCES]], %[[PAGES]], %[[SCRATCH:.*]], %[[A:.*]])
  // CHECK-SAME: splits = 2, partial = 6, scale = 2.500000e-01}
  %a = llm.attention %qr, %positions, %sequences, %pages, @kv {scale = 0.25 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<3x19xi32>
  // CHECK-NEXT: plan.launch add(%[[H]], %[[A]], %[[S:.*]]) {hidden = 8}
  %s = llm.add %h, %a : tensor<?x8xbf16>
  // CHECK-NEXT: plan.launch swiglu(%[[S]], %[[A]], %[[G:.*]]) {width = 8}
  %g = llm.swiglu %s, %a : tensor<?x8xbf16>
  // Router logits are f32.
  // CHECK-NEXT: plan.launch linear(%[[G]], %router, none, %[[L:.*]]) {inputs = 8, outputs = 2}
  %l = llm.linear %g, @router : tensor<?x8xbf16> -> tensor<?x2xf32>
  // CHECK-NEXT: plan.launch softmax(%[[L]], %[[P:.*]]) {width = 2}
  %p = llm.softmax %l : tensor<?x2xf32>
  // CHECK-NEXT: plan.launch top_k(%[[P]], %[[IDS:.*]], %{{.*}}) {experts = 2, top_k = 1, normalize = 0}
  // Routing goes back only while it is recorded.
  // CHECK-NEXT: plan.output expert_ids %[[IDS_HOST:.*]]
  // CHECK-NEXT: plan.copy %[[IDS]] to %[[IDS_HOST]] rows 4 recording on compute
  %ids, %weights = llm.top_k %p : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  // CHECK-NEXT: plan.launch select_rows(%[[G]], %[[ROWS]], %[[LAST:.*]]) {hidden = 8} logit_rows
  %last = llm.select_rows %g, %rows : tensor<?x8xbf16>, tensor<?xi32> -> tensor<?x8xbf16>
  // The embeddings are tied: one buffer, fetched once.
  // CHECK-NEXT: plan.launch linear(%[[LAST]], %[[TABLE]], none, %[[LOGITS:.*]]) {inputs = 8, outputs = 16} logit_rows portable
  // CHECK-NEXT: plan.output logits %[[LOGITS_HOST:.*]]
  // CHECK-NEXT: plan.copy %[[LOGITS]] to %[[LOGITS_HOST]] logit_rows 64 on compute
  %logits = llm.linear %last, @table : tensor<?x8xbf16> -> tensor<?x16xf32>
  return %logits, %ids : tensor<?x16xf32>, tensor<?x1xi32>
}

// The fused ops, in an entry of 65 rows: more than 8 use the tensor cores, more
// than 64 leave the context of a row whole.
// CHECK-LABEL: plan.entry @prefill rows 65 logit_rows 3 {
func.func @prefill(
    %tokens: tensor<?xi32> {llm.role = "tokens"}, %positions: tensor<?xi32> {llm.role = "positions"},
    %sequences: tensor<?xi32> {llm.role = "sequences"}, %pages: tensor<3x19xi32> {llm.role = "page_table"},
    %rows: tensor<?xi32> {llm.role = "logit_rows"}) -> (tensor<?x2xf32> {llm.role = "logits"})
    attributes {llm.max_rows = 65 : i64, llm.max_logit_rows = 3 : i64} {
  // Nobody asks for single rows: a port, and no copy.
  // CHECK: plan.input logit_rows
  // CHECK-NEXT: plan.launch embed
  %h = llm.embed %tokens, @table : tensor<?xi32> -> tensor<?x8xbf16>
  // CHECK-NEXT: plan.launch linear{{.*}} rows tensor on compute
  %q = llm.linear %h, @square bias @bias : tensor<?x8xbf16> -> tensor<?x8xbf16>
  // Four outputs are no multiple of eight.
  // CHECK-NEXT: plan.launch linear{{.*}} rows portable on compute
  %k = llm.linear %h, @narrow : tensor<?x8xbf16> -> tensor<?x4xbf16>
  // A group has one arithmetic: that of all of its outputs. A third matrix that
  // is not there has no outputs.
  // CHECK-NEXT: plan.launch linear_group(%[[H:.*]], %square, %bias, %[[G0:.*]], %square, %bias, %[[G1:.*]], %square, %bias, %[[G2:[^)]*]])
  // CHECK-SAME: {inputs = 8, outputs0 = 8, outputs1 = 8, outputs2 = 8} rows tensor on compute
  %three:3 = llm.linear_group %h, [@square, @square, @square] bias [@bias, @bias, @bias]
      : tensor<?x8xbf16> -> tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x8xbf16>
  // CHECK-NEXT: plan.launch linear_group(%[[H]], %square, none, %{{.*}}, %narrow, none, %{{.*}}, none, none, none)
  // CHECK-SAME: {inputs = 8, outputs0 = 8, outputs1 = 4, outputs2 = 0} rows portable on compute
  %two:2 = llm.linear_group %h, [@square, @narrow]
      : tensor<?x8xbf16> -> tensor<?x8xbf16>, tensor<?x4xbf16>
  // CHECK-NEXT: plan.launch qk_norm_rope_write(%{{.*}}, %[[K:.*]], %[[K]], %head_norm, %head_norm, %{{.*}}, %{{.*}}, %{{.*}}, %rope.cos, %rope.sin, %[[QR:.*]], %kv.k, %kv.v)
  // CHECK-SAME: {heads = 2, kv_heads = 1, head_dim = 4, positions = 300, pages = 57, page_tokens = 16, sequences = 3, pages_per_sequence = 19, eps = 5.000000e-01}
  %r = llm.qk_norm_rope_write %q, %k, %k, %positions, %sequences, %pages
      norm @head_norm, @head_norm rope @rope cache @kv {eps = 0.5 : f32}
      : tensor<?x8xbf16>, tensor<?x4xbf16>, tensor<?xi32>, tensor<3x19xi32>
  // CHECK-NEXT: plan.launch attention(%[[QR]], %kv.k, %kv.v, %{{.*}}, %{{.*}}, %{{.*}}, none, %[[A:.*]])
  %a = llm.attention %r, %positions, %sequences, %pages, @kv {scale = 0.25 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<3x19xi32>
  // CHECK-NEXT: plan.launch add_rms_norm(%{{.*}}, %[[A]], %norm, %{{.*}}, %[[N:.*]]) {hidden = 8, eps = 5.000000e-01}
  %s, %n = llm.add_rms_norm %h, %a, @norm {eps = 0.5 : f32} : tensor<?x8xbf16>
  // An output goes back as soon as it is there.
  // CHECK-NEXT: plan.launch linear
  // CHECK-NEXT: plan.output logits
  // CHECK-NEXT: plan.copy
  %l = llm.linear %n, @router : tensor<?x8xbf16> -> tensor<?x2xf32>
  // CHECK-NEXT: plan.launch route(%{{.*}}, %{{.*}}, %{{.*}}) {experts = 2, top_k = 1, normalize = 1}
  %ids, %weights = llm.route %l {normalize} : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  // The router as one: two outputs are no multiple of eight, eight are. Weights
  // of f32 are nothing for the matrix units.
  // CHECK-NEXT: plan.launch add_norm_route(%[[H]], %[[A]], %norm, %router, %{{.*}}, %[[M:.*]], %{{.*}}, %{{.*}}, %{{.*}}) {hidden = 8, experts = 2, top_k = 1, normalize = 1, eps = 5.000000e-01} rows portable on compute
  %few:5 = llm.add_norm_route %h, %a norm @norm router @router {eps = 0.5 : f32, normalize}
      : tensor<?x8xbf16> -> tensor<?x2xf32>, tensor<?x1xi32>, tensor<?x1xf32>
  // CHECK-NEXT: plan.launch add_norm_route(%{{.*}}, %[[M]], %norm, %square, %{{.*}}) {hidden = 8, experts = 8, top_k = 1, normalize = 0, eps = 5.000000e-01} rows tensor on compute
  %eight:5 = llm.add_norm_route %few#0, %few#1 norm @norm router @square {eps = 0.5 : f32}
      : tensor<?x8xbf16> -> tensor<?x8xf32>, tensor<?x1xi32>, tensor<?x1xf32>
  // CHECK-NEXT: plan.launch add_norm_route({{.*}}) {hidden = 8, experts = 8, top_k = 1, normalize = 0, eps = 5.000000e-01} rows portable on compute
  %wide:5 = llm.add_norm_route %few#0, %few#1 norm @wide_norm router @square {eps = 0.5 : f32}
      : tensor<?x8xbf16> -> tensor<?x8xf32>, tensor<?x1xi32>, tensor<?x1xf32>
  return %l : tensor<?x2xf32>
}
