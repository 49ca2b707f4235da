// RUN: sluice-opt %s --canonicalize --cse --split-input-file | FileCheck %s

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @norm "norm" in @f at 0 size 16 : tensor<8xbf16>
llm.weight @head "head" in @f at 16 size 32 : tensor<2x8xbf16>

// What nothing reads goes away.
// CHECK-LABEL: @unused
// CHECK-NEXT: return
func.func @unused(%x: tensor<?x8xbf16>) {
  %n = llm.rms_norm %x, @norm {eps = 1.0e-6 : f32} : tensor<?x8xbf16>
  %l = llm.linear %n, @head : tensor<?x8xbf16> -> tensor<?x2xf32>
  %i, %w = llm.route %l : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  return
}

// Equal ops are one; an addition whose operands are swapped is equal.
// CHECK-LABEL: @equal
// CHECK: %[[S:.*]] = llm.add
// CHECK-NEXT: return %[[S]], %[[S]]
func.func @equal(%a: tensor<?x8xbf16>, %b: tensor<?x8xbf16>)
    -> (tensor<?x8xbf16>, tensor<?x8xbf16>) {
  %s = llm.add %a, %b : tensor<?x8xbf16>
  %t = llm.add %b, %a : tensor<?x8xbf16>
  return %s, %t : tensor<?x8xbf16>, tensor<?x8xbf16>
}

// Rows are selected before the norm and the projection, not after.
// CHECK-LABEL: @select
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xbf16>, %[[ROWS:[^:]*]]: tensor<?xi32>
// CHECK-NEXT: %[[R:.*]] = llm.select_rows %[[X]], %[[ROWS]] : tensor<?x8xbf16>, tensor<?xi32> -> tensor<?x8xbf16>
// CHECK-NEXT: %[[N:.*]] = llm.rms_norm %[[R]], @norm
// CHECK-NEXT: %[[L:.*]] = llm.linear %[[N]], @head : tensor<?x8xbf16> -> tensor<?x2xf32>
// CHECK-NEXT: return %[[L]]
func.func @select(%x: tensor<?x8xbf16>, %rows: tensor<?xi32>) -> tensor<?x2xf32> {
  %n = llm.rms_norm %x, @norm {eps = 1.0e-6 : f32} : tensor<?x8xbf16>
  %l = llm.linear %n, @head : tensor<?x8xbf16> -> tensor<?x2xf32>
  %r = llm.select_rows %l, %rows : tensor<?x2xf32>, tensor<?xi32> -> tensor<?x2xf32>
  return %r : tensor<?x2xf32>
}

// A norm that is read elsewhere has to run on all rows anyway.
// CHECK-LABEL: @select_shared
// CHECK-NEXT: llm.rms_norm
// CHECK-NEXT: llm.select_rows
func.func @select_shared(%x: tensor<?x8xbf16>, %rows: tensor<?xi32>)
    -> (tensor<?x8xbf16>, tensor<?x8xbf16>) {
  %n = llm.rms_norm %x, @norm {eps = 1.0e-6 : f32} : tensor<?x8xbf16>
  %r = llm.select_rows %n, %rows : tensor<?x8xbf16>, tensor<?xi32> -> tensor<?x8xbf16>
  return %n, %r : tensor<?x8xbf16>, tensor<?x8xbf16>
}

// A fused norm that nothing reads leaves the addition.
// CHECK-LABEL: @norm_unused
// CHECK-NEXT: %[[S:.*]] = llm.add %{{.*}}, %{{.*}} : tensor<?x8xbf16>
// CHECK-NEXT: return %[[S]]
func.func @norm_unused(%a: tensor<?x8xbf16>, %b: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  %s, %n = llm.add_rms_norm %a, %b, @norm {eps = 1.0e-6 : f32} : tensor<?x8xbf16>
  return %s : tensor<?x8xbf16>
}

// -----

llm.kv_cache @kv0 {layer = 0 : i64} : tensor<4x16x1x8xbf16>
llm.kv_cache @kv1 {layer = 1 : i64} : tensor<4x16x1x8xbf16>

// A write stays though it has no result. A read nothing uses goes; two equal
// reads are one, unless a write stands between them.
// CHECK-LABEL: @cache
// CHECK-NEXT: llm.kv_write {{.*}} @kv0
// CHECK-NEXT: %[[A:.*]] = llm.attention {{.*}} @kv0
// CHECK-NEXT: llm.kv_write {{.*}} @kv0
// CHECK-NEXT: %[[B:.*]] = llm.attention {{.*}} @kv0
// CHECK-NEXT: return %[[A]], %[[A]], %[[B]]
func.func @cache(%x: tensor<?x8xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>,
                 %t: tensor<2x2xi32>)
    -> (tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x8xbf16>) {
  llm.kv_write %x, %x, %p, %s, %t, @kv0 : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %unused = llm.attention %x, %p, %s, %t, @kv1 {scale = 1.0 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %a = llm.attention %x, %p, %s, %t, @kv0 {scale = 1.0 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %b = llm.attention %x, %p, %s, %t, @kv0 {scale = 1.0 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  llm.kv_write %x, %x, %p, %s, %t, @kv0 : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %c = llm.attention %x, %p, %s, %t, @kv0 {scale = 1.0 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return %a, %b, %c : tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x8xbf16>
}
