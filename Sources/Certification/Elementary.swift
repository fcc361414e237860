// SPDX-License-Identifier: Apache-2.0
internal import Glibc

func exponential(_ x: Double) -> Double { exp(x) }
func logarithm(_ x: Double) -> Double { log(x) }
/// `ln(1 + x)`, also for small `x`.
func logarithm(onePlus x: Double) -> Double { log1p(x) }
