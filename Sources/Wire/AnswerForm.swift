// SPDX-License-Identifier: Apache-2.0
internal import Answers

/// The form of an answer on the wire: `{"class":3,"confidence":0.93}` or
/// `{"objects":[{"class":3,"confidence":0.93,"box":[left,top,right,bottom]}]}`.
struct AnswerForm: Codable {
    var `class`: Int?
    var confidence: Double?
    var objects: [Object]?

    struct Object: Codable {
        var `class`: Int
        var confidence: Double
        var box: [Double]
    }

    static let maximumObjects = 256

    init(_ answer: Answer) {
        switch answer {
        case .classification(let classification):
            self.class = classification.classIndex
            confidence = classification.confidence
        case .detections(let detections):
            objects = detections.map {
                Object(class: $0.classIndex, confidence: $0.confidence, box: [$0.box.left, $0.box.top, $0.box.right, $0.box.bottom])
            }
        }
    }

    func answer(_ subject: String) throws(WireError) -> Answer {
        if let objects {
            try require(objects.count <= Self.maximumObjects, subject, "\(objects.count) objects, at most \(Self.maximumObjects) are allowed")
            var detections: [Detection] = []
            for object in objects {
                try Self.check(object.class, object.confidence, subject)
                try require(object.box.count == 4 && object.box.allSatisfy { $0.isFinite && (-1...2).contains($0) }, subject,
                    "a box needs four numbers near 0 … 1")
                detections.append(Detection(classIndex: object.class, confidence: object.confidence,
                    box: Box(left: object.box[0], top: object.box[1], right: object.box[2], bottom: object.box[3])))
            }
            return .detections(detections)
        }
        let index = try field(self.class, subject, "neither 'class' nor 'objects'")
        let confidence = try field(self.confidence, subject, "no 'confidence'")
        try Self.check(index, confidence, subject)
        return .classification(Classification(classIndex: index, confidence: confidence))
    }

    static func check(_ index: Int, _ probability: Double, _ subject: String) throws(WireError) {
        try require((0..<65_536).contains(index), subject, "class \(index) is outside 0 … 65535")
        try require((0...1).contains(probability), subject, "probability \(probability) is outside 0 … 1")
    }
}
