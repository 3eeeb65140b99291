process.stdout.write(process.argv.slice(2).join(' ') + ' pid ' + String(process.pid) + '\n')
