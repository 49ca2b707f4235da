// RUN: sluice-opt %s --insert-expert-transfers=budget=1536 --merge-expert-io | FileCheck %s
// RUN: sluice-opt %s --insert-expert-transfers=budget=1536 --merge-expert-io -o /dev/null \
// RUN:   --remarks-filter=merge-expert-io 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: sluice-opt %s --insert-expert-transfers=budget=1536 --merge-expert-io --merge-expert-io -o /dev/null \
// RUN:   --remarks-filter=merge-expert-io 2>&1 | FileCheck %s --check-prefix=AGAIN

// Four batches: one layer in @prefill and two in @decode make 4 * 3 = 12 demands,
// of which one a layer stays.
// COUNT: demands_after=3, demands_before=12
// AGAIN: demands_after=3, demands_before=3

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @a "a" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
llm.expert_bank @b "b" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 1 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}

// CHECK-LABEL: func.func @decode
// CHECK-NEXT: %[[SET:.*]] = expert.demand %arg1 : tensor<?x1xi32> -> !expert.set<@a>
// CHECK-NEXT: %[[TICKET:.*]] = expert.fetch %[[SET]] into @pool
// CHECK-NEXT: %[[SLOTS:.*]] = expert.await %[[TICKET]]
// CHECK-NEXT: %[[O:.*]] = expert.run %arg0, %[[SET]], %[[SLOTS]]
// CHECK-NEXT: %[[Y:.*]] = expert.combine %arg2, %[[O]]
// CHECK-NEXT: expert.release %[[SLOTS]] :
// CHECK-NEXT: expert.demand %arg1 : tensor<?x1xi32> -> !expert.set<@b>
// CHECK-NOT: part
func.func @prefill(%x: tensor<?x8xbf16>, %ids: tensor<?x1xi32>, %w: tensor<?x1xf32>) -> tensor<?x8xbf16>
    attributes {llm.max_logit_rows = 4 : i64} {
  %y = llm.experts %x, %ids, %w, @a : tensor<?x8xbf16>, tensor<?x1xi32>, tensor<?x1xf32>
  return %y : tensor<?x8xbf16>
}
func.func @decode(%x: tensor<?x8xbf16>, %ids: tensor<?x1xi32>, %w: tensor<?x1xf32>) -> tensor<?x8xbf16>
    attributes {llm.max_logit_rows = 4 : i64} {
  %y = llm.experts %x, %ids, %w, @a : tensor<?x8xbf16>, tensor<?x1xi32>, tensor<?x1xf32>
  %z = llm.experts %y, %ids, %w, @b : tensor<?x8xbf16>, tensor<?x1xi32>, tensor<?x1xf32>
  return %z : tensor<?x8xbf16>
}
