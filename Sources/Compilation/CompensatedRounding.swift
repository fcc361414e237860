// SPDX-License-Identifier: Apache-2.0

/// Rounds the weights of an output channel so that their errors cancel: it looks for small `dᵀ · C · d`, where `d` are the errors and `C` the covariance of the inputs.
///
/// With `C + λ = L · Lᵀ` that is `Σⱼ (Lᵀd)ⱼ²`, and each term holds only errors from `j` on: weights are rounded from the last to the first, each where it makes its term
/// smallest. Then single weights move while that helps, and the scale becomes the best one for the integers. This is done from several scales; the best result counts.
///
/// Sources: E. Frantar et al., "GPTQ", ICLR 2023, in the form of L. Babai's nearest plane; K. Behdin et al., "QuantEase", 2023, for the moves of single weights.
package struct CompensatedRounding: Sendable {
    private let length: Int
    /// `C + λ`, symmetric.
    private let covariance: [Float]
    /// `L`, row-major; zeros above the diagonal.
    private let factor: [Float]

    /// Of the mean variance of an input: what the covariance of few samples isn't trusted with.
    package static let damping = 0.01
    /// Of the scale that rounding each weight by itself would choose.
    private static let scales: [Float] = [0.8, 0.9, 1, 1.1]
    private static let rounds = 3
    private static let mostSweeps = 4

    /// Integers for the weights of one output channel.
    package struct Row: Sendable {
        package var integers: [Int8]
        package var scale: Float
        /// `dᵀ · (C + λ) · d`.
        package var error: Float
    }

    /// - Parameter covariance: `[length][length]`.
    /// - Returns: `nil` where inputs aren't finite or don't vary.
    package init?(covariance: [Float], length: Int) {
        var damped = covariance
        let variance = (0..<length).reduce(0.0) { $0 + Double(covariance[$1 * length + $1]) } / Double(max(length, 1))
        guard variance.isFinite, Float(variance * Self.damping).isNormal else { return nil }
        for index in 0..<length { damped[index * length + index] += Float(variance * Self.damping) }
        guard let factor = Self.choleskyFactor(of: damped, length: length) else { return nil }
        self.length = length
        self.covariance = damped
        self.factor = factor
    }

    /// - Parameters:
    ///   - weights: finite; `length` of them.
    ///   - largest: the integers are in `−largest … largest`.
    package func round(_ weights: [Float], largest: Int) -> Row? {
        let limit = Float(largest)
        let start = plainScale(of: weights, limit: limit)
        guard start.isNormal else { return nil }
        var best: Row?
        for candidate in Self.scales {
            var scale = start * candidate
            var numbers = nearestPlane(weights, scale: scale, limit: limit)
            var error = Float.infinity
            for _ in 0..<Self.rounds {
                let gradient = descend(weights, &numbers, scale: scale, limit: limit)
                // gradient = C · d, and d = weights − scale · numbers.
                var (along, curvature) = (Float(0), Float(0))
                var now: Float = 0
                for index in 0..<length {
                    now += gradient[index] * (weights[index] - scale * numbers[index])
                    along += gradient[index] * numbers[index]
                }
                error = now
                for (index, product) in times(numbers).enumerated() { curvature += product * numbers[index] }
                guard curvature > 0 else { break }
                let better = scale + along / curvature
                guard better.isNormal, better > 0 else { break }
                error = now - along * along / curvature
                scale = better
            }
            guard error.isFinite else { continue }
            if error < best?.error ?? .infinity { best = Row(integers: numbers.map { Int8($0) }, scale: scale, error: error) }
        }
        return best
    }

    /// The scale with the least squared error when each weight is rounded by itself, weighted by the variance of its input.
    private func plainScale(of weights: [Float], limit: Float) -> Float {
        let largest = weights.reduce(0) { max($0, $1.magnitude) }
        var best = (error: Float.infinity, scale: Float(0))
        for step in 12...44 {
            let scale = largest * Float(step) / 40 / limit
            guard scale.isNormal else { continue }
            var error: Float = 0
            for index in 0..<length {
                let difference = weights[index] - scale * Self.rounded(weights[index] / scale, limit)
                error += difference * difference * covariance[index * length + index]
            }
            if error < best.error { best = (error, scale) }
        }
        return best.scale
    }

    private static func rounded(_ number: Float, _ limit: Float) -> Float { min(max(number.rounded(.toNearestOrEven), -limit), limit) }

    private func nearestPlane(_ weights: [Float], scale: Float, limit: Float) -> [Float] {
        var numbers = [Float](repeating: 0, count: length)
        /// By index: `Σᵢ L[i][index] · d[i]` over what is rounded already.
        var carried = [Float](repeating: 0, count: length)
        for index in (0..<length).reversed() {
            let target = weights[index] + carried[index] / factor[index * length + index]
            numbers[index] = Self.rounded(target / scale, limit)
            Self.add(factor, row: index, times: weights[index] - scale * numbers[index], to: &carried, count: index)
        }
        return numbers
    }

    /// Moves single weights while that makes the error smaller; returns `C · d`.
    private func descend(_ weights: [Float], _ numbers: inout [Float], scale: Float, limit: Float) -> [Float] {
        var gradient = [Float](repeating: 0, count: length)
        for index in 0..<length {
            let error = weights[index] - scale * numbers[index]
            if error != 0 { Self.add(covariance, row: index, times: error, to: &gradient, count: length) }
        }
        for _ in 0..<Self.mostSweeps {
            var moves = 0
            for index in 0..<length {
                let wanted = numbers[index] + gradient[index] / (covariance[index * length + index] * scale)
                let next = Self.rounded(wanted, limit)
                guard next != numbers[index], next.isFinite else { continue }
                Self.add(covariance, row: index, times: scale * (numbers[index] - next), to: &gradient, count: length)
                numbers[index] = next
                moves += 1
            }
            if moves == 0 { break }
        }
        return gradient
    }

    /// `C · numbers`
    private func times(_ numbers: [Float]) -> [Float] {
        var result = [Float](repeating: 0, count: length)
        for index in 0..<length where numbers[index] != 0 {
            Self.add(covariance, row: index, times: numbers[index], to: &result, count: length)
        }
        return result
    }

    /// `target[i] += matrix[row][i] · number` for `i` in `0 ..< count`; the matrix has as many columns as `target` has elements.
    private static func add(_ matrix: [Float], row: Int, times number: Float, to target: inout [Float], count: Int) {
        let columns = target.count
        precondition((row + 1) * columns <= matrix.count && count <= columns)
        unsafe matrix.withUnsafeBufferPointer { matrix in
            unsafe target.withUnsafeMutableBufferPointer { target in
                for index in 0..<count { unsafe target[index] += matrix[row * columns + index] * number }
            }
        }
    }

    /// The lower triangle `L` with `L · Lᵀ` = `matrix`; `nil` where there is none.
    private static func choleskyFactor(of matrix: [Float], length: Int) -> [Float]? {
        // Upper, row by row: the rows below are reduced as soon as one is known.
        var upper = matrix
        var isPositive = true
        unsafe upper.withUnsafeMutableBufferPointer { upper in
            for row in 0..<length {
                let pivot = unsafe upper[row * length + row]
                guard pivot > 0, pivot.isFinite else {
                    isPositive = false
                    return
                }
                let inverse = 1 / pivot.squareRoot()
                for column in row..<length { unsafe upper[row * length + column] *= inverse }
                for below in row + 1..<max(length, row + 1) {
                    let share = unsafe upper[row * length + below]
                    if share == 0 { continue }
                    for column in below..<length { unsafe upper[below * length + column] -= share * upper[row * length + column] }
                }
            }
        }
        guard isPositive else { return nil }
        var lower = [Float](repeating: 0, count: length * length)
        for row in 0..<length {
            for column in 0...row { lower[row * length + column] = upper[column * length + row] }
        }
        return lower
    }
}
