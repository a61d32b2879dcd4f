// Prints how many tests passed and failed, from a report by vitest's JSON reporter. With --require-server it fails
// unless the server suites ran: a skipped half of the tests must not pass for a green one.
import { readFileSync } from 'node:fs'

const [path, option] = process.argv.slice(2)
const report = JSON.parse(readFileSync(path, 'utf8'))
console.log(report.numPassedTests, report.numFailedTests)

if (option === '--require-server') {
  const onServer = report.testResults
    .flatMap((file) => file.assertionResults)
    .filter((test) => test.ancestorTitles.some((title) => title.endsWith('(server)')))
  const passed = onServer.filter((test) => test.status === 'passed')
  if (passed.length === 0 || passed.length < onServer.length) {
    console.error(`${passed.length} of ${onServer.length} tests on the server passed: none may be skipped`)
    process.exitCode = 1
  }
}
