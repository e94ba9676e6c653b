// The contract of repositories, kept in memory.
import { contract } from './contract.js';
import { openMemorySubject } from './memory-subject.js';

contract('The repository in memory', openMemorySubject);
