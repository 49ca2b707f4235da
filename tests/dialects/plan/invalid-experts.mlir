// RUN: sluice-opt %s --split-input-file --verify-diagnostics

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
// expected-error @below {{has 3 slots of 768 bytes in a buffer of 1536}}
%pool = plan.expert_pool "pool" in %slots slots 3 of 768 wave 768

// -----

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
// expected-error @below {{needs a buffer in device memory}}
%pool = plan.expert_pool "pool" in %images slots 2 of 768 wave 768

// -----

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
// expected-error @below {{expected at least one, of a multiple of 256}}
%pool = plan.expert_pool "pool" in %slots slots 2 of 700 wave 768

// -----

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
// expected-error @below {{keeps images in a buffer that is not in host memory}}
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %slots

// -----

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
// expected-error @below {{has a ring of fewer than two images}}
%pool = plan.expert_pool "pool" in %slots slots 1 of 1536 wave 768 bounce %ring

// -----

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
// expected-error @below {{has a disk whose misses cost less than those of host memory}}
%pool = plan.expert_pool "pool" in %slots slots 1 of 1536 wave 768 disk_cost 0.5

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
// expected-error @below {{chooses 3 of 2 experts}}
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 3 hidden 8 inner 4 parts [0, 128, 256] homes [0, 0] resident []

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
// expected-error @below {{has a matrix of 32 elements at 360 of a slot of 384}}
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4 parts [0, 128, 360] homes [0, 0] resident []

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
// expected-error @below {{has homes of 1 of 2 experts}}
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4 parts [0, 128, 256] homes [0] resident []

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
// expected-error @below {{has a home 2, expected 0 (host) or 1 (disk)}}
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4 parts [0, 128, 256] homes [0, 2] resident []

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
// expected-error @below {{names resident expert 1 twice}}
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4 parts [0, 128, 256] homes [0, 0] resident [1, 1]

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
// expected-error @below {{names resident expert 2, which it does not have}}
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4 parts [0, 128, 256] homes [0, 0] resident [2]

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
// expected-error @below {{says of 3 of 2 experts how often they are missed}}
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4 parts [0, 128, 256] homes [0, 0] resident [] popularity [1.0, 0.5] missed [1.0, 0.5, 0.5]

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
// expected-error @below {{has the popularity of 1 of 2 experts}}
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4 parts [0, 128, 256] homes [0, 0] resident [] popularity [1.0]

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
// expected-error @below {{has 3 successors, 2 each}}
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4 parts [0, 128, 256] homes [0, 0] resident [] successors [0, 1, 0] each 2

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
// expected-error @below {{names successor 7}}
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4 parts [0, 128, 256] homes [0, 0] resident [] successors [0, 7] each 2

// -----

// expected-error @below {{names policy 4 of 4}}
plan.policy 4 mode "fetch" step_ms 0.0

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
plan.entry @decode rows 2 logit_rows 2 {
  %event = plan.record on compute
  // expected-error @below {{is part 1 of 1}}
  plan.demand %a part 1 of 1 ids %ids after %event
}

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
plan.entry @decode rows 2 logit_rows 2 {
  %event = plan.record on compute
  // expected-error @below {{'ids' is not in host memory}}
  plan.demand %a part 0 of 1 ids %tables after %event
}

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
plan.entry @decode rows 2 logit_rows 2 {
  %event = plan.record on compute
  // expected-error @below {{'ids' is 'f32', expected i32}}
  plan.demand %a part 0 of 1 ids %rows after %event
}

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
plan.entry @decode rows 2 logit_rows 2 {
  %event = plan.record on compute
  // expected-error @below {{share is -5.0}}
  plan.split %a part 0 share -0.5
}

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
plan.entry @decode rows 2 logit_rows 2 {
  %event = plan.record on compute
  // expected-error @below {{'in' is not in host memory}}
  plan.run_host %a part 0 (%in, %results)
}

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
plan.entry @decode rows 2 logit_rows 2 {
  %event = plan.record on compute
  // expected-error @below {{'tables' is not in device memory}}
  plan.run_experts %a part 0 of 1 (%in, %inner, %outputs, %tables_host, %tables_host) portable
}

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
plan.entry @decode rows 2 logit_rows 2 {
  %event = plan.record on compute
  // expected-error @below {{is part 2 of 2}}
  plan.run_experts %a part 2 of 2 (%in, %inner, %outputs, %tables, %tables_host) portable
}

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
plan.entry @decode rows 2 logit_rows 2 {
  %event = plan.record on compute
  // expected-error @below {{'shares_host' is not in host memory}}
  plan.join %a part 0 (%results, %staged, %shares, %shares)
}

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
plan.entry @decode rows 2 logit_rows 2 {
  %event = plan.record on compute
  // expected-error @below {{brings up to 3 of 2 experts}}
  plan.prefetch %b from %a limit 3
}

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
plan.entry @decode rows 2 logit_rows 2 {
  %event = plan.record on compute
  // expected-error @below {{begins graph 0, which never ends}}
  plan.graph_begin 0
}

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
plan.entry @decode rows 2 logit_rows 2 {
  %event = plan.record on compute
  // expected-error @below {{ends graph 0, which never began}}
  plan.graph_end 0
}

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
plan.entry @load rows 0 logit_rows 0 {
  // expected-error @below {{stands in @load}}
  plan.fetch_experts %a part 0
}

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
plan.entry @decode rows 200 logit_rows 2 {
  %event = plan.record on compute
  // expected-error @below {{'ids' has 256 bytes, expected at least 800}}
  plan.demand %a part 0 of 1 ids %ids after %event
}

// -----

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
%pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images bounce %ring
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 1] resident [1] popularity [0.25, 0.75]
%b = plan.expert_bank "b" layer 1 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 128, 256] homes [0, 0] resident [] popularity [0.5, 0.5] successors [1, 0, 1, 0] each 2
plan.entry @decode rows 2 logit_rows 2 {
  plan.graph_begin 0
  // expected-error @below {{stands in graph 0, which holds launches and copies of the compute stream alone}}
  %event = plan.record on compute
  plan.graph_end 0
}
