/** Of the vectors of all tests: OPA_TEST_DIMENSIONS=1536 runs the same suite with another model's. */
export const dimensions = Number(process.env.OPA_TEST_DIMENSIONS || 384)

/** What the fixtures and the embedders of the tests make, before they are filled up with zeros: angles stay the same. */
export const ownDimensions = Math.min(384, dimensions)
