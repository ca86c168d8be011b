import { printEvidenceOfFailures } from './evidence.js'

printEvidenceOfFailures()
