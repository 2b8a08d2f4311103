<?php
// One script for every address: what the request was, as PHP sees it.
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/count') {
    session_save_path(getenv('SESSIONS'));
    session_start();
    $_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1;
    echo $_SESSION['count'];
} elseif ($path === '/upload') {
    $file = $_FILES['picture'];
    header('Content-Type: application/json');
    echo json_encode(['name' => $file['name'], 'bytes' => $file['size'], 'note' => $_POST['note'],
                      'sha256' => hash_file('sha256', $file['tmp_name'])]);
} elseif ($path === '/lines') {
    for ($i = 0; $i < 1000; $i++) {
        echo "line $i\n";
        flush();
    }
} elseif ($path === '/moved') {
    header('Location: /count', true, 302);
} elseif ($path === '/broken') {
    throw new Exception('an ordinary mistake');
} else {
    header('Content-Type: application/json');
    echo json_encode(['method' => $_SERVER['REQUEST_METHOD'], 'query' => (object)$_GET,
                      'protocol' => $_SERVER['SERVER_PROTOCOL'],
                      'host' => $_SERVER['HTTP_HOST'], 'body' => file_get_contents('php://input'),
                      'for' => $_SERVER['HTTP_X_FORWARDED_FOR'] ?? null]);
}
