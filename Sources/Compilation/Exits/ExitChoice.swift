// SPDX-License-Identifier: Apache-2.0

/// What a head at one depth would be worth, by what it says of held-out images.
package struct ExitOption: Hashable, Sendable {
    /// Number of its depth: of the heads at one depth at most one is kept.
    package var depth: Int
    /// Multiply-adds of the network before the head, and of the head itself.
    package var before: Int
    package var head: Int
    /// For each image how sure it is, 0 … 1.
    package var scores: [Double]
    package var isRight: [Bool]

    package init(depth: Int, before: Int, head: Int, scores: [Double], isRight: [Bool]) {
        precondition(scores.count == isRight.count)
        (self.depth, self.before, self.head) = (depth, before, head)
        (self.scores, self.isRight) = (scores, isRight)
    }
}

/// Which heads earn their cost: the cascade of exits with the fewest multiply-adds of an image, in the mean over held-out ones, found by replay of every choice.
package struct ExitChoice: Hashable, Sendable {
    /// Positions of the options that are kept, by depth.
    package var kept: [Int]
    /// By option: the threshold of the replay; `nil` where the surest answers do more harm than is allowed.
    package var thresholds: [Double?]
    /// By kept option the images that leave there, of all; then those that reach the end.
    package var shares: [Double]
    /// Of the network without exits, how many multiply-adds an image takes.
    package var cost: Double

    /// - Parameters:
    ///   - total: multiply-adds of the network.
    ///   - isRight: whether the end is, for each image.
    ///   - most: exits.
    ///   - risk: of all images, that an exit answers wrongly where the end is right: sets its threshold.
    ///   - worth: of the network's multiply-adds, what an exit has to save to be kept.
    package init(among options: [ExitOption], total: Int, end isRight: [Bool], most: Int, risk: Double = 0.01, worth: Double = 0.01) {
        thresholds = options.map { $0.threshold(end: isRight, risk: risk) }
        let search = CascadeSearch(
            options: options, accepted: zip(options, thresholds).map { option, threshold in option.scores.map { score in threshold.map { score >= $0 } ?? false } },
            total: total, most: most, penalty: worth * Double(total) * Double(isRight.count))
        let best = search.best(images: isRight.count)
        let count = Double(max(isRight.count, 1))
        kept = best.kept
        shares = best.leaving.map { Double($0) / count }
        cost = isRight.isEmpty ? 1 : Double(best.cost) / count / Double(max(total, 1))
    }
}

extension ExitOption {
    /// The lowest threshold at which the exit answers at most a share `risk` of all images wrongly that the end answers rightly.
    package func threshold(end: [Bool], risk: Double) -> Double? {
        precondition(end.count == scores.count)
        let surest = scores.indices.filter { !scores[$0].isNaN }.sorted { scores[$0] > scores[$1] }
        var (harms, threshold) = (0, Double?.none)
        for (place, image) in surest.enumerated() {
            if end[image], !isRight[image] { harms += 1 }
            if Double(harms) > risk * Double(scores.count) { break }
            // Equal scores are accepted together.
            if place + 1 == surest.count || scores[surest[place + 1]] < scores[image] { threshold = scores[image] }
        }
        return threshold
    }
}

/// Tries every choice of at most one head a depth.
private struct CascadeSearch {
    struct Cascade {
        var kept: [Int] = []
        /// Of all images together.
        var cost = 0
        var leaving: [Int] = []
    }

    var options: [ExitOption]
    var accepted: [[Bool]]
    var total: Int
    var most: Int
    /// Of each exit, in multiply-adds of all images.
    var penalty: Double

    func best(images: Int) -> Cascade {
        let depths = Dictionary(grouping: options.indices, by: { options[$0].depth }).values.map { $0.sorted() }
            .sorted { options[$0[0]].before < options[$1[0]].before }
        var best: (worth: Double, cascade: Cascade)?
        search(depths[...], Array(0..<images), Cascade(), &best)
        return best?.cascade ?? Cascade()
    }

    private func search(_ depths: ArraySlice<[Int]>, _ images: [Int], _ cascade: Cascade, _ best: inout (worth: Double, cascade: Cascade)?) {
        guard let depth = depths.first, cascade.kept.count < most else {
            var whole = cascade
            whole.cost += images.count * total
            whole.leaving.append(images.count)
            let worth = Double(whole.cost) + penalty * Double(whole.kept.count)
            if worth < best?.worth ?? .infinity { best = (worth, whole) }
            return
        }
        search(depths.dropFirst(), images, cascade, &best)
        for option in depth {
            let staying = images.filter { !accepted[option][$0] }
            guard staying.count < images.count else { continue }
            var next = cascade
            next.kept.append(option)
            next.cost += images.count * options[option].head + (images.count - staying.count) * options[option].before
            next.leaving.append(images.count - staying.count)
            search(depths.dropFirst(), staying, next, &best)
        }
    }
}
