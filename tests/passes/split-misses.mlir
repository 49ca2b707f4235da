// RUN: sluice-opt %s --insert-expert-transfers=budget=1536 --merge-expert-io --split-misses=share=0.75 | FileCheck %s
// RUN: sluice-opt %s --insert-expert-transfers=budget=1536 --split-misses=share=0.75 | FileCheck %s --check-prefix=PARTS
// RUN: sluice-opt %s --insert-expert-transfers=budget=1536 --merge-expert-io --split-misses=share=0.75 -o /dev/null \
// RUN:   --remarks-filter=split-misses 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: sluice-opt %s --insert-expert-transfers=budget=1536 --split-misses=share=0.75 -o /dev/null \
// RUN:   --remarks-filter=split-misses 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not sluice-opt %s --split-misses=share=2 2>&1 | FileCheck %s --check-prefix=WRONG

// The two layers of @decode are divided; the four batches of one layer are not,
// while each has a demand of its own: the CPU has one job at a time.
// COUNT: splits=2, undivided=0
// NONE: splits=0, undivided=2
// PARTS-NOT: expert.split
// WRONG: error: the share of the CPU is 2{{.*}}, expected 0 to 1

llm.file @f "f" {bytes = 65536 : i64, header_hash = 0 : i64}
llm.expert_bank @a "a" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}
llm.expert_bank @b "b" {
  dtype = bf16, experts = 2 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 1 : i64,
  offsets = array<i64: 0, 64, 128, 192, 256, 320>}

// What the tensor cores compute, the CPU cannot.
// CHECK-LABEL: func.func @prefill
// CHECK-NOT: expert.split
// CHECK-LABEL: func.func @decode
// CHECK-NEXT: %[[SET:.*]] = expert.demand %arg1 : tensor<?x1xi32> -> !expert.set<@a>
// CHECK-NEXT: %[[FETCHED:.*]], %[[HOST:.*]] = expert.split %[[SET]] share 7.500000e-01
// CHECK-NEXT: %[[TICKET:.*]] = expert.fetch %[[FETCHED]] into @pool
// CHECK-NEXT: %[[CPU:.*]] = expert.run_host %arg0, %[[HOST]]
// CHECK-NEXT: %[[SLOTS:.*]] = expert.await %[[TICKET]]
// CHECK-NEXT: %[[GPU:.*]] = expert.run %arg0, %[[FETCHED]], %[[SLOTS]]
// CHECK-NEXT: expert.combine %arg2, %[[GPU]], %[[CPU]]
// CHECK-NEXT: expert.release %[[SLOTS]] :
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
