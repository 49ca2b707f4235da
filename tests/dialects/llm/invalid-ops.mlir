// RUN: sluice-opt %s --split-input-file --verify-diagnostics
// Every tensor op, broken in each way its verifier knows.

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @n "n" in @f at 0 size 16 : tensor<8xbf16>
func.func @test(%p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) {
  // expected-error@+1 {{@n is 'tensor<8xbf16>', expected [vocabulary, 8]}}
  %r = llm.embed %p, @n : tensor<?xi32> -> tensor<?x8xbf16>
  return
}

// -----

llm.rope_table @rope4 {inverse_frequencies = array<f32: 1.0, 0.1>, positions = 32 : i64, scale = 1.0 : f32}
func.func @test(%p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) {
  // expected-error@+1 {{@rope4 is not an llm.weight}}
  %r = llm.embed %p, @rope4 : tensor<?xi32> -> tensor<?x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
func.func @test(%p: tensor<3xi32>) {
  // expected-error@+1 {{mixes 3 rows and 4}}
  %r = llm.embed %p, @w : tensor<3xi32> -> tensor<4x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{@w is 'tensor<8x8xbf16>', expected shape [4, 8]}}
  %r = llm.linear %x, @w : tensor<?x8xbf16> -> tensor<?x4xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
llm.weight @n4 "n4" in @f at 0 size 8 : tensor<4xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{@n4 is 'tensor<4xbf16>', expected shape [8]}}
  %r = llm.linear %x, @w bias @n4 : tensor<?x8xbf16> -> tensor<?x8xbf16>
  return
}

// -----

func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{@missing is not an llm.weight}}
  %r = llm.linear %x, @missing : tensor<?x8xbf16> -> tensor<?x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{result #0 must be 2D tensor of bfloat16 type or 32-bit float values}}
  %r = llm.linear %x, @w : tensor<?x8xbf16> -> tensor<?x8xf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
func.func @test(%x: tensor<?x?xbf16>) {
  // expected-error@+1 {{has 'tensor<?x?xbf16>', expected a positive number of features}}
  %r = llm.linear %x, @w : tensor<?x?xbf16> -> tensor<?x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{has 1 results, expected 2 or 3}}
  %r = llm.linear_group %x, [@w] : tensor<?x8xbf16> -> tensor<?x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{has 4 results, expected 2 or 3}}
  %r:4 = llm.linear_group %x, [@w, @w, @w, @w] : tensor<?x8xbf16>
      -> tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{has 3 weights, 0 biases and 2 results}}
  %r:2 = llm.linear_group %x, [@w, @w, @w] : tensor<?x8xbf16> -> tensor<?x8xbf16>, tensor<?x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
llm.weight @n "n" in @f at 128 size 16 : tensor<8xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{has 2 weights, 1 biases and 2 results}}
  %r:2 = llm.linear_group %x, [@w, @w] bias [@n] : tensor<?x8xbf16> -> tensor<?x8xbf16>, tensor<?x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{@w is 'tensor<8x8xbf16>', expected shape [4, 8]}}
  %r:2 = llm.linear_group %x, [@w, @w] : tensor<?x8xbf16> -> tensor<?x8xbf16>, tensor<?x4xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
llm.weight @n "n" in @f at 128 size 16 : tensor<8xbf16>
llm.weight @n4 "n4" in @f at 144 size 8 : tensor<4xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{@n4 is 'tensor<4xbf16>', expected shape [8]}}
  %r:2 = llm.linear_group %x, [@w, @w] bias [@n, @n4] : tensor<?x8xbf16> -> tensor<?x8xbf16>, tensor<?x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{@missing is not an llm.weight}}
  %r:2 = llm.linear_group %x, [@w, @missing] : tensor<?x8xbf16> -> tensor<?x8xbf16>, tensor<?x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
func.func @test(%x: tensor<3x8xbf16>) {
  // expected-error@+1 {{mixes 3 rows and 4}}
  %r:2 = llm.linear_group %x, [@w, @w] : tensor<3x8xbf16> -> tensor<3x8xbf16>, tensor<4x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @n3 "n3" in @f at 0 size 6 : tensor<3xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{@n3 is 'tensor<3xbf16>', expected one dim that divides 8}}
  %r = llm.rms_norm %x, @n3 {eps = 1.0e-6 : f32} : tensor<?x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @n "n" in @f at 0 size 16 : tensor<8xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{has an eps that is negative or not finite}}
  %r = llm.rms_norm %x, @n {eps = -1.0 : f32} : tensor<?x8xbf16>
  return
}

// -----

func.func @test(%x: tensor<?x?xf32>) {
  // expected-error@+1 {{expected a positive number of features}}
  %r = llm.add %x, %x : tensor<?x?xf32>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @n4 "n4" in @f at 0 size 8 : tensor<4xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{@n4 is 'tensor<4xbf16>', expected one dim of 8}}
  %r, %q = llm.add_rms_norm %x, %x, @n4 {eps = 1.0e-6 : f32} : tensor<?x8xbf16>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @n "n" in @f at 0 size 16 : tensor<8xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{has an eps that is negative or not finite}}
  %r, %q = llm.add_rms_norm %x, %x, @n {eps = 0x7F800000 : f32} : tensor<?x8xbf16>
  return
}

// -----

llm.rope_table @rope6 {inverse_frequencies = array<f32: 1.0, 0.1, 0.2>, positions = 32 : i64, scale = 1.0 : f32}
func.func @test(%x: tensor<?x8xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) {
  // expected-error@+1 {{8 features are no heads of 6, the head_dim of @rope6}}
  %r = llm.rope %x, %p, @rope6 : tensor<?x8xbf16>, tensor<?xi32>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
func.func @test(%x: tensor<?x8xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) {
  // expected-error@+1 {{@w is not an llm.rope_table}}
  %r = llm.rope %x, %p, @w : tensor<?x8xbf16>, tensor<?xi32>
  return
}

// -----

llm.kv_cache @kv {layer = 0 : i64} : tensor<4x16x1x4xbf16>
func.func @test(%x: tensor<?x8xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) {
  // expected-error@+1 {{keys are 'tensor<?x8xbf16>', which does not fit @kv of 'tensor<4x16x1x4xbf16>'}}
  llm.kv_write %x, %x, %p, %s, %t, @kv : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return
}

// -----

llm.kv_cache @kv {layer = 0 : i64} : tensor<4x16x1x4xbf16>
func.func @test(%k: tensor<?x4xf32>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) {
  // expected-error@+1 {{keys are 'tensor<?x4xf32>', which does not fit @kv}}
  llm.kv_write %k, %k, %p, %s, %t, @kv : tensor<?x4xf32>, tensor<?xi32>, tensor<2x2xi32>
  return
}

// -----

llm.kv_cache @kv {layer = 0 : i64} : tensor<4x16x1x4xbf16>
func.func @test(%k: tensor<?x4xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x?xi32>) {
  // expected-error@+1 {{has the page table 'tensor<2x?xi32>', expected positive static dims}}
  llm.kv_write %k, %k, %p, %s, %t, @kv : tensor<?x4xbf16>, tensor<?xi32>, tensor<2x?xi32>
  return
}

// -----

llm.rope_table @rope4 {inverse_frequencies = array<f32: 1.0, 0.1>, positions = 32 : i64, scale = 1.0 : f32}
func.func @test(%k: tensor<?x4xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) {
  // expected-error@+1 {{@rope4 is not an llm.kv_cache}}
  llm.kv_write %k, %k, %p, %s, %t, @rope4 : tensor<?x4xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @n4 "n4" in @f at 0 size 8 : tensor<4xbf16>
llm.rope_table @rope6 {inverse_frequencies = array<f32: 1.0, 0.1, 0.2>, positions = 32 : i64, scale = 1.0 : f32}
llm.kv_cache @kv {layer = 0 : i64} : tensor<4x16x1x4xbf16>
func.func @test(%x: tensor<?x8xbf16>, %k: tensor<?x4xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) {
  // expected-error@+1 {{@rope6 is for heads of 6, @kv for heads of 4}}
  %r = llm.qk_norm_rope_write %x, %k, %k, %p, %s, %t norm @n4, @n4 rope @rope6 cache @kv
      {eps = 1.0e-6 : f32} : tensor<?x8xbf16>, tensor<?x4xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @n "n" in @f at 0 size 16 : tensor<8xbf16>
llm.weight @n4 "n4" in @f at 0 size 8 : tensor<4xbf16>
llm.rope_table @rope4 {inverse_frequencies = array<f32: 1.0, 0.1>, positions = 32 : i64, scale = 1.0 : f32}
llm.kv_cache @kv {layer = 0 : i64} : tensor<4x16x1x4xbf16>
func.func @test(%x: tensor<?x8xbf16>, %k: tensor<?x4xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) {
  // expected-error@+1 {{@n is 'tensor<8xbf16>', expected shape [4]}}
  %r = llm.qk_norm_rope_write %x, %k, %k, %p, %s, %t norm @n, @n4 rope @rope4 cache @kv
      {eps = 1.0e-6 : f32} : tensor<?x8xbf16>, tensor<?x4xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @n4 "n4" in @f at 0 size 8 : tensor<4xbf16>
llm.rope_table @rope4 {inverse_frequencies = array<f32: 1.0, 0.1>, positions = 32 : i64, scale = 1.0 : f32}
llm.kv_cache @kv {layer = 0 : i64} : tensor<4x16x1x4xbf16>
func.func @test(%x: tensor<?x6xbf16>, %k: tensor<?x4xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) {
  // expected-error@+1 {{queries are 'tensor<?x6xbf16>', which does not fit @kv}}
  %r = llm.qk_norm_rope_write %x, %k, %k, %p, %s, %t norm @n4, @n4 rope @rope4 cache @kv
      {eps = 1.0e-6 : f32} : tensor<?x6xbf16>, tensor<?x4xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return
}

// -----

llm.kv_cache @kv {layer = 0 : i64} : tensor<4x16x1x4xbf16>
func.func @test(%x: tensor<?x6xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) {
  // expected-error@+1 {{queries are 'tensor<?x6xbf16>', which does not fit @kv}}
  %r = llm.attention %x, %p, %s, %t, @kv {scale = 1.0 : f32} : tensor<?x6xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return
}

// -----

llm.kv_cache @kv {layer = 0 : i64} : tensor<4x16x1x4xbf16>
func.func @test(%x: tensor<?x8xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) {
  // expected-error@+1 {{has a scale that is not finite}}
  %r = llm.attention %x, %p, %s, %t, @kv {scale = 0x7FC00000 : f32} : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return
}

// -----

func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{operand #0 must be 2D tensor of 32-bit float values}}
  %r = llm.softmax %x : tensor<?x8xbf16>
  return
}

// -----

func.func @test(%x: tensor<?x0xf32>) {
  // expected-error@+1 {{has 'tensor<?x0xf32>', expected a positive number of features}}
  %r = llm.softmax %x : tensor<?x0xf32>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @n4 "n4" in @f at 0 size 8 : tensor<4xbf16>
llm.weight @w "w" in @f at 8 size 64 : tensor<4x8xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{@n4 is 'tensor<4xbf16>', expected one dim of 8}}
  %r:5 = llm.add_norm_route %x, %x norm @n4 router @w {eps = 1.0e-6 : f32} : tensor<?x8xbf16> -> tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @n "n" in @f at 0 size 16 : tensor<8xbf16>
llm.weight @w "w" in @f at 16 size 64 : tensor<4x8xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{@w is 'tensor<4x8xbf16>', expected shape [5, 8]}}
  %r:5 = llm.add_norm_route %x, %x norm @n router @w {eps = 1.0e-6 : f32} : tensor<?x8xbf16> -> tensor<?x5xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @n "n" in @f at 0 size 16 : tensor<8xbf16>
llm.weight @w "w" in @f at 16 size 64 : tensor<4x8xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{has an eps that is negative or not finite}}
  %r:5 = llm.add_norm_route %x, %x norm @n router @w {eps = -1.0 : f32} : tensor<?x8xbf16> -> tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @n "n" in @f at 0 size 16 : tensor<8xbf16>
llm.weight @w "w" in @f at 16 size 64 : tensor<4x8xbf16>
func.func @test(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{chooses 5 of 4 experts}}
  %r:5 = llm.add_norm_route %x, %x norm @n router @w {eps = 1.0e-6 : f32} : tensor<?x8xbf16> -> tensor<?x4xf32>, tensor<?x5xi32>, tensor<?x5xf32>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @n "n" in @f at 0 size 16 : tensor<8xbf16>
llm.weight @w "w" in @f at 16 size 64 : tensor<4x8xbf16>
func.func @test(%x: tensor<3x8xbf16>) {
  // expected-error@+1 {{mixes 3 rows and 4}}
  %r:5 = llm.add_norm_route %x, %x norm @n router @w {eps = 1.0e-6 : f32} : tensor<3x8xbf16> -> tensor<4x4xf32>, tensor<3x2xi32>, tensor<3x2xf32>
  return
}

// -----

func.func @test(%x: tensor<?x4xf32>) {
  // expected-error@+1 {{chooses 5 of 4 experts}}
  %i, %w = llm.top_k %x : tensor<?x4xf32> -> tensor<?x5xi32>, tensor<?x5xf32>
  return
}

// -----

func.func @test(%x: tensor<?x4xf32>) {
  // expected-error@+1 {{gives 2 ids but 3 weights}}
  %i, %w = llm.route %x : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x3xf32>
  return
}

// -----

func.func @test(%x: tensor<?x?xf32>) {
  // expected-error@+1 {{expected a positive number of features}}
  %r = llm.swiglu %x, %x : tensor<?x?xf32>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.expert_bank @experts "e" {
  dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 128>}
func.func @test(%x: tensor<?x4xbf16>, %i: tensor<?x1xi32>, %v: tensor<?x1xf32>) {
  // expected-error@+1 {{input has 4 features, experts of @experts take 8}}
  %r = llm.experts %x, %i, %v, @experts : tensor<?x4xbf16>, tensor<?x1xi32>, tensor<?x1xf32>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.expert_bank @experts "e" {
  dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 128>}
func.func @test(%x: tensor<?x8xbf16>, %i: tensor<?x1xi32>, %v: tensor<?x2xf32>) {
  // expected-error@+1 {{has 1 ids but 2 weights}}
  %r = llm.experts %x, %i, %v, @experts : tensor<?x8xbf16>, tensor<?x1xi32>, tensor<?x2xf32>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.expert_bank @experts "e" {
  dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 4 : i64, layer = 0 : i64, offsets = array<i64: 0, 64, 128>}
func.func @test(%x: tensor<?x8xbf16>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>) {
  // expected-error@+1 {{has 2 ids a row, but @experts has 1 experts}}
  %r = llm.experts %x, %i, %v, @experts : tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>
func.func @test(%x: tensor<?x8xbf16>, %i: tensor<?x1xi32>, %v: tensor<?x1xf32>) {
  // expected-error@+1 {{@w is not an llm.expert_bank}}
  %r = llm.experts %x, %i, %v, @w : tensor<?x8xbf16>, tensor<?x1xi32>, tensor<?x1xf32>
  return
}

// -----

func.func @test(%x: tensor<?x8xbf16>, %p: tensor<?xi32>) {
  // expected-error@+1 {{turns 'tensor<?x8xbf16>' into 'tensor<?x4xbf16>'}}
  %r = llm.select_rows %x, %p : tensor<?x8xbf16>, tensor<?xi32> -> tensor<?x4xbf16>
  return
}

// -----

func.func @test(%x: tensor<?x8xbf16>, %p: tensor<2xi32>) {
  // expected-error@+1 {{mixes 2 rows and 3}}
  %r = llm.select_rows %x, %p : tensor<?x8xbf16>, tensor<2xi32> -> tensor<3x8xbf16>
  return
}
