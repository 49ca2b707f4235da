//===- test_math.cpp - exp, conversions and primitives --------------------===//

#include "kernels/convert.h"
#include "kernels/cpu/primitives.h"
#include "tests/kernels/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sluice::test {
namespace {

TEST(PortableExp, IsWithinTwoUlpEverywhere) {
  double worst = 0;
  // A step prime to every power of two visits all exponents and signs.
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += 397) {
    float x = floatOfBits(static_cast<uint32_t>(bits));
    float y = portableExp(x);
    if (std::isnan(x)) {
      ASSERT_TRUE(std::isnan(y));
      continue;
    }
    double exact = std::exp(static_cast<double>(x));
    if (exact >= 0x1.ffffffp127) {
      ASSERT_EQ(y, INFINITY) << x;
      continue;
    }
    if (x < -104.0f) {
      ASSERT_EQ(bitsOfFloat(y), 0u) << x;
    }
    int exponent;
    std::frexp(exact, &exponent);
    double ulp = std::ldexp(1.0, std::max(exponent - 24, -149));
    worst = std::max(worst, std::fabs(y - exact) / ulp);
  }
  EXPECT_LT(worst, 0.9);
}

TEST(PortableExp, KnownPoints) {
  EXPECT_EQ(portableExp(0.0f), 1.0f);
  EXPECT_EQ(portableExp(-0.0f), 1.0f);
  EXPECT_EQ(portableExp(-INFINITY), 0.0f);
  EXPECT_EQ(portableExp(INFINITY), INFINITY);
  EXPECT_EQ(portableSilu(0.0f), 0.0f);
  EXPECT_EQ(portableSilu(100.0f), 100.0f);
  EXPECT_EQ(portableSilu(-INFINITY) == portableSilu(-INFINITY), false);
}

TEST(Convert, WideningIsExact) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    auto narrow = static_cast<uint16_t>(bits);
    double sign = bits >> 15 ? -1 : 1;
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float half = toFloat(Half{narrow});
    if (exponent == 31)
      EXPECT_TRUE(fraction ? std::isnan(half) : half == sign * INFINITY);
    else
      EXPECT_EQ(half,
                sign * (exponent ? std::ldexp(1024 + fraction, exponent - 25)
                                 : std::ldexp(fraction, -24)));
    float wide = toFloat(Bf16{narrow});
    EXPECT_EQ(bitsOfFloat(wide), bits << 16);
    // And back, but for the one NaN.
    EXPECT_EQ(toHalf(half).bits, std::isnan(half) ? 0x7e00 : narrow);
    EXPECT_EQ(toBf16(wide).bits, std::isnan(wide) ? 0x7fc0 : narrow);
  }
}

/// Checks the rounding between a narrow value and the next one up.
template <typename T, typename Narrow>
void checkBetween(uint16_t low, Narrow narrow) {
  auto high = static_cast<uint16_t>(low + 1);
  float a = toFloat(T{low}), b = toFloat(T{high});
  float middle = a + (b - a) / 2;
  uint16_t even = low % 2 ? high : low;
  EXPECT_EQ(narrow(middle).bits, even);
  EXPECT_EQ(narrow(std::nextafter(middle, a)).bits, low);
  EXPECT_EQ(narrow(std::nextafter(middle, b)).bits, high);
  EXPECT_EQ(narrow(-middle).bits, even | 0x8000);
}

TEST(Convert, NarrowingRoundsToNearestEven) {
  for (uint32_t low = 0; low < 0x7f7f; ++low)
    checkBetween<Bf16>(static_cast<uint16_t>(low), toBf16);
  for (uint32_t low = 0; low < 0x7bff; ++low)
    checkBetween<Half>(static_cast<uint16_t>(low), toHalf);
  EXPECT_EQ(toHalf(65519.9f).bits, 0x7bff);
  EXPECT_EQ(toHalf(65520.0f).bits, 0x7c00);
  EXPECT_EQ(toBf16(0x1.ffp127f).bits, 0x7f80);
  EXPECT_EQ(toBf16(0x1.fefffep127f).bits, 0x7f7f);
}

template <typename Body> void forEachTable(const Body &body) {
  for (int i = 0; const cpu::Primitives *table = cpu::availablePrimitives(i);
       ++i) {
    SCOPED_TRACE(table->name);
    body(*table);
  }
}

TEST(Primitives, ThePlainTableComesFirst) {
  ASSERT_NE(cpu::availablePrimitives(0), nullptr);
  EXPECT_STREQ(cpu::availablePrimitives(0)->name, "plain");
  std::string names;
  forEachTable([&](const cpu::Primitives &table) {
    names += std::string(" ") + table.name;
  });
  RecordProperty("tables", names);
  std::printf("instruction sets tested:%s\n", names.c_str());
}

TEST(Primitives, ExpBelowHasTheScalarBits) {
  Random random(3);
  std::vector<float> x(1003), y(1003);
  for (float &value : x)
    value = floatOfBits(static_cast<uint32_t>(random.bits()));
  forEachTable([&](const cpu::Primitives &table) {
    table.expBelow(x.data(), 0.0f, x.size(), y.data());
    for (size_t i = 0; i < x.size(); ++i) {
      float expected = portableExp(x[i]);
      if (!std::isnan(expected)) {
        ASSERT_EQ(bitsOfFloat(y[i]), bitsOfFloat(expected)) << x[i];
      }
    }
  });
}

// Products so small that each partial sum is -0: what pads the last group must
// not make them +0. And infinities and halves of every kind.
TEST(Primitives, DotKeepsSignedZerosAndInfinities) {
  for (int64_t n : {1, 255, 256, 257, 300, 321, 600}) {
    std::vector<float> a(n, 1e-30f), b(n, -1e-30f);
    std::vector<float> packed(cpu::packedLength(n));
    forEachTable([&](const cpu::Primitives &table) {
      auto bits = [&] {
        float one = table.dot(a.data(), DType::F32, b.data(), DType::F32, n);
        table.pack(a.data(), DType::F32, n, packed.data());
        float row;
        table.dotRows(packed.data(), 1, n, b.data(), DType::F32, n, 1, &row, 1);
        EXPECT_EQ(bitsOfFloat(one), bitsOfFloat(row));
        return bitsOfFloat(one);
      };
      EXPECT_EQ(bits(), n >= 249 ? 0x80000000u : 0u) << n;
      b[n - 1] = INFINITY;
      EXPECT_EQ(bits(), 0x7f800000u);
      b[n - 1] = -1e-30f;
    });
  }
}

template <typename T> std::vector<T> someValues(int64_t n, Random &random) {
  std::vector<T> values(n);
  for (T &value : values)
    value = fromFloat<T>(static_cast<float>(random.between(-999, 999)) * 1e-3f);
  return values;
}

/// The bits of 1 to kRowBlock rows together are those of the plain table's dot.
template <typename T> void checkRowsTogether(DType type) {
  Random random(5);
  for (int64_t n : {7, 1023, 1024, 1300, 2048, 2305, 4096})
    for (int64_t outputs : {1, 16, 35}) {
      const std::vector<float> rows =
          someValues<float>(cpu::kRowBlock * n, random);
      const std::vector<T> weights = someValues<T>(outputs * n, random);
      std::vector<float> expected;
      for (int64_t r = 0; r < cpu::kRowBlock; ++r)
        for (int64_t o = 0; o < outputs; ++o)
          expected.push_back(cpu::kPlainPrimitives.dot(
              &rows[r * n], DType::F32, &weights[o * n], type, n));
      forEachTable([&](const cpu::Primitives &table) {
        const int64_t length = cpu::packedLength(n);
        std::vector<float> packed(cpu::kRowBlock * length);
        for (int64_t r = 0; r < cpu::kRowBlock; ++r)
          table.pack(&rows[r * n], DType::F32, n, &packed[r * length]);
        for (int64_t count = 1; count <= cpu::kRowBlock; ++count) {
          std::vector<float> out(count * outputs);
          table.dotRows(packed.data(), count, n, weights.data(), type, n,
                        outputs, out.data(), outputs);
          for (int64_t i = 0; i < count * outputs; ++i)
            ASSERT_EQ(bitsOfFloat(out[i]), bitsOfFloat(expected[i]))
                << n << " of row " << i / outputs << " of " << count << ", "
                << i % outputs;
        }
      });
    }
}

// Many long rows are taken in parts, whose sums wait for the next one.
TEST(Primitives, RowsTogetherHaveTheBitsOfRowsAlone) {
  checkRowsTogether<float>(DType::F32);
  checkRowsTogether<Bf16>(DType::BF16);
  checkRowsTogether<Half>(DType::F16);
}

TEST(Primitives, EveryHalfWidensAlike) {
  // One by one, as the weight of a dot product with 1.
  std::vector<Half> all(65536);
  for (size_t i = 0; i < all.size(); ++i)
    all[i].bits = static_cast<uint16_t>(i);
  forEachTable([&](const cpu::Primitives &table) {
    std::vector<float> sums(all.size(), 0.0f);
    float one = 1.0f;
    table.accumulate(&one, 1, all.data(), DType::F16, 0, sums.size(),
                     sums.data());
    for (size_t i = 0; i < all.size(); ++i) {
      float expected = toFloat(all[i]) + 0.0f;
      if (!std::isnan(expected)) {
        ASSERT_EQ(bitsOfFloat(sums[i]), bitsOfFloat(expected)) << i;
      }
    }
    for (size_t i = 0; i < all.size(); i += 64) {
      std::vector<float> ones(64, 0.0f), packed(cpu::packedLength(64));
      for (size_t k = 0; k < 64; ++k) {
        std::fill(ones.begin(), ones.end(), 0.0f);
        ones[k] = 1.0f;
        float expected = toFloat(all[i + k]);
        if ((i & 0x7c00) == 0x7c00)
          continue; // 0 times infinity
        table.pack(ones.data(), DType::F32, 64, packed.data());
        float y;
        table.dotRows(packed.data(), 1, 64, &all[i], DType::F16, 64, 1, &y, 1);
        ASSERT_EQ(y, expected) << i + k;
      }
    }
  });
}

} // namespace
} // namespace sluice::test
